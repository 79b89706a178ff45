// Java's own HTTP client: it offers HTTP/2 with an upgrade, and may send a GET with an empty body.
// Without a JDK on this machine the test is skipped.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { API_KEY, Server } from "./harness.mjs";
import { BUILD, TEST } from "./wait.mjs";

const run = promisify(execFile);

// It opens a stream, with an empty body when the third argument says so, publishes to it, and prints
// the status and the names of the events.
const CLIENT = `
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Client {
  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest.Builder get = HttpRequest.newBuilder(URI.create(args[0] + "/sse?userId=java"));
    if (args[2].equals("empty")) get.method("GET", HttpRequest.BodyPublishers.ofString(""));
    HttpResponse<java.util.stream.Stream<String>> stream =
        client.send(get.build(), HttpResponse.BodyHandlers.ofLines());
    System.out.println(stream.statusCode());
    HttpRequest publish = HttpRequest.newBuilder(URI.create(args[0] + "/v1/notifications"))
        .header("Authorization", "Bearer " + args[1])
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(
            "{\\"target\\":{\\"user\\":\\"java\\"},\\"type\\":\\"paid\\"}"))
        .build();
    System.out.println(client.send(publish, HttpResponse.BodyHandlers.ofString()).statusCode());
    stream.body().filter(line -> line.startsWith("event: ")).limit(2)
        .forEach(System.out::println);
    System.exit(0);
  }
}
`;

for (const body of ["none", "empty"]) {
  test(`Java's HttpClient, body of the GET: ${body}`, TEST, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "roomcast-java-"));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const file = join(directory, "Client.java");
    await writeFile(file, CLIENT);
    const missing = await run("javac", ["-d", directory, file], { timeout: BUILD }).then(
      () => "",
      (error) => error.code === "ENOENT" ? "there is no JDK" : error.stderr,
    );
    if (missing) return missing === "there is no JDK" ? t.skip(missing) : assert.fail(missing);
    const server = await Server.start(t);
    const { stdout } = await run("java", ["-cp", directory, "Client", server.url, API_KEY, body], {
      timeout: BUILD,
    });
    assert.equal(stdout, "200\n200\nevent: connected\nevent: paid\n");
  });
}
