// The forms of the console for events with bare arguments and for retained notifications.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { Console, oneBrowser } from "./browser.mjs";
import { connectSocket } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";
import { SECRET } from "./hook.mjs";
import { once, retry, SOON, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

/** Opens the form of a kind. */
async function open(t, server, kind) {
  const page = await Console.open(await openBrowser(t), server, { view: `send?kind=${kind}` });
  await page.field("target").waitFor();
  return {
    page,
    send: () => page.button("Send").click(),
    /** Waits for a result that matches. */
    result: (pattern, kind = "good") =>
      page.view.locator(`.result.${kind}`, { hasText: pattern }).waitFor(),
    answer: async () => JSON.parse(await page.page.getByLabel("The answer").textContent()),
    command: () => page.page.getByLabel("The request as a command").textContent(),
    focused: () => page.page.evaluate(() => document.activeElement.name),
    /** Resolves with [name, error] of the fields that are marked. */
    marked: () =>
      page.view.locator("[aria-invalid=true]:visible").evaluateAll((all) =>
        all.map((one) => [
          one.name,
          one.getAttribute("aria-describedby").split(" ").map((id) =>
            document.getElementById(id)
          ).find((node) => node.className === "error").textContent,
        ])
      ),
  };
}

/** Resolves with an error of the page that is not the status of a refusal. */
const breaches = async (page) =>
  (await page.breaches()).filter((line) => !line.includes("400 (Bad Request)"));

test("an event with bare arguments is sent, and its acknowledgements are shown", TEST, async (t) => {
  // A handler makes the namespace. Its clients send no events here, so nothing is posted to it.
  const server = await Server.start(t, {
    EVENTS_URL: "/shop=http://127.0.0.1:9/",
    HOOK_SECRET: SECRET,
  });
  const join = { channels: ["lobby"] };
  const ann = await connectSocket(t, server, { auth: { userId: "ann", ...join } });
  const bob = await connectSocket(t, server, { auth: { userId: "bob", ...join } });
  const shop = await connectSocket(t, server, {
    namespace: "/shop",
    auth: { userId: "carl" },
    wait: "connect",
  });
  for (const { socket } of [ann, bob, shop])
    socket.on("question", (...args) => args.at(-1)("ok", { n: 1.5 }));
  const { page, send, result, answer, command } = await open(t, server, "emit");
  assert.match(await page.view.textContent(), /Emit an event with bare arguments\. It does what/);
  assert.deepEqual(
    [await page.field("target").inputValue(), await page.field("name").inputValue()],
    ["room", "lobby"],
  );

  // What was typed arrives: a number, a quote, binary.
  await page.field("event").fill("chat message");
  await page.field("args").fill(`["it's", 1.50, {"$binary": "AQI="}]`);
  const request = page.page.waitForRequest((request) => request.method() === "POST");
  await send();
  await result(/^[0-9a-f]{8}-\d+ · 2 connections · 2 users · 1 channel$/);
  assert.ok((await request).postData().includes(`"args": ["it's", 1.50, {"$binary": "AQI="}]`));
  for (const { tape } of [ann, bob]) {
    const { args } = await tape.next("chat message");
    assert.deepEqual(args, ["it's", 1.5, Buffer.from([1, 2])]);
  }

  // Except, volatile, a target, no arguments.
  await page.field("event").fill("hint");
  await page.field("args").fill("");
  await page.view.getByRole("checkbox", { name: /^volatile/ }).check();
  await page.view.getByText("More: exceptions").click();
  await page.field("except").fill(`${bob.socket.id}, other`);
  await send();
  await result(/^volatile · 1 connection /);
  assert.deepEqual((await ann.tape.next("hint")).args, []);
  await page.button("Clear").click();
  await page.field("event").fill("hint");
  await page.field("target").selectOption("users");
  await page.field("name").fill("bob, nobody");
  await page.field("args").fill("[2]");
  await send();
  await result(/ · 1 connection · 1 user /);
  assert.deepEqual((await bob.tape.next("hint")).args, [2], "its first one");

  // Acknowledgements, from two clients, by the keyboard.
  await page.button("Clear").click();
  assert.equal(await page.field("name").inputValue(), "lobby");
  await page.field("event").fill("question");
  await page.field("args").fill(`["who?", 7]`);
  await page.field("wait").selectOption("ack");
  await page.field("timeout").fill("30s");
  await page.page.keyboard.press("Control+Enter");
  await result(/^2 acknowledgements of 2 clients$/);
  const { acks, missing, timedOut } = await answer();
  assert.deepEqual([missing, timedOut], [[], false]);
  assert.deepEqual(acks.map(({ client }) => client).sort(), [ann.socket.id, bob.socket.id].sort());
  for (const { args } of acks) assert.deepEqual(args, ["ok", { n: 1.5 }]);
  assert.deepEqual((await ann.tape.next("question")).args.slice(0, 2), ["who?", 7]);

  // The command does the same.
  assert.match(await command(), /\/v1\/emit\?wait=ack&timeout=30s'/);
  const { stdout } = await promisify(execFile)("sh", ["-c", await command()], {
    env: { ...process.env, ROOMCAST_API_KEY: API_KEY },
    timeout: SOON,
  });
  assert.equal(JSON.parse(stdout).acks.length, 2);

  // Another namespace, with a client as the room.
  await page.field("namespace").fill("/shop");
  await page.field("name").fill(shop.socket.id);
  await send();
  await result(/^1 acknowledgement of 1 client$/);
  assert.equal((await answer()).acks[0].client, shop.socket.id);
  await page.field("name").fill("nobody");
  await send();
  await result(/^No Socket\.IO client received it/);

  // A client that does not acknowledge.
  await page.field("namespace").fill("");
  await page.field("name").fill(ann.socket.id);
  await page.field("event").fill("unheard");
  await page.field("timeout").fill("50ms");
  await send();
  await result(/^0 acknowledgements of 1 client · 1 client without one · the time is over$/);
  assert.deepEqual(await answer(), { acks: [], missing: [ann.socket.id], timedOut: true });
  assert.deepEqual(await page.breaches(), []);
});

test("errors of an event are shown at their fields", TEST, async (t) => {
  const server = await Server.start(t);
  const { page, send, result, focused, marked } = await open(t, server, "emit");
  const requests = [];
  page.page.on("request", (request) => request.method() === "POST" && requests.push(request.url()));
  for (
    const [name, text, error] of [
      ["args", "[1,", /^this is not JSON: ./],
      ["args", "hello", /^this is not JSON: ./],
      ["args", `{"a": 1}`, /^this is JSON, but not an array: \[…\]$/],
      ["args", "null", /^this is JSON, but not an array/],
      ["event", "", /^this is needed$/],
      ["name", " ", /^a name is required$/],
    ]
  ) {
    await page.field(name).fill(text);
    await send();
    await result(/^Not sent: /, "bad");
    const [[field, shown], ...others] = await marked();
    assert.deepEqual([field, await focused(), others], [name, name, []], text);
    assert.match(shown, error);
    await page.button("Clear").click();
    await page.field(name).fill(name === "args" ? "[]" : "x");
    assert.deepEqual(await marked(), []);
  }
  assert.deepEqual(requests, [], "nothing was sent");

  for (
    const [name, text, error] of [
      ["event", "disconnect", /reserved by Socket\.IO/],
      ["args", `[{"a": 1, "a": 2}]`, /duplicate key/],
      ["namespace", "shop", /does not start with/],
      ["timeout", "5s", /^is the time to wait, expected together with wait=ack$/],
      ["except", "x".repeat(201), /./],
    ]
  ) {
    await page.button("Clear").click();
    await page.view.locator(`[name="${name}"]`).evaluate((node, text) => {
      node.value = text;
    }, text);
    await send();
    await result(/^400 validation: /, "bad");
    const [[field, shown], ...others] = await marked();
    assert.deepEqual([field, await focused(), others], [name, name, []], text);
    assert.match(shown, error);
  }
  await page.button("Clear").click();
  await page.field("wait").selectOption("ack");
  await page.field("timeout").fill("5 minutes");
  await send();
  await result(/^400 validation: timeout: got "5 minutes", expected a duration/, "bad");
  assert.deepEqual((await marked()).map(([name]) => name), ["timeout"]);
  assert.deepEqual(await breaches(page), []);
});

test("a form that waits for acknowledgements leaves the others alone", TEST, async (t) => {
  const server = await Server.start(t);
  const { tape, socket } = await connectSocket(t, server, { auth: { userId: "ann" } });
  const { page, send, result, answer } = await open(t, server, "emit");
  const posts = [];
  page.page.on("request", (request) => request.method() === "POST" && posts.push(request.url()));
  await page.page.evaluate(() => {
    const original = AbortSignal.timeout;
    window.limits = [];
    AbortSignal.timeout = (ms) => {
      window.limits.push(ms);
      return original.call(AbortSignal, ms);
    };
  });
  await page.field("name").fill(socket.id);
  await page.field("event").fill("question");
  await page.field("wait").selectOption("ack");
  await page.field("timeout").fill("30s");
  const asked = once(socket, "question");
  await page.page.keyboard.press("Control+Enter");
  await page.page.keyboard.press("Control+Enter");
  const [acknowledge] = await asked;
  assert.equal(await page.button("Send").isDisabled(), true);
  assert.ok((await page.page.evaluate(() => window.limits)).every((ms) => ms > 30_000));

  await page.go("send?kind=payment");
  await retry(async () => await page.field("paymentId").isVisible(), "the other form");
  await page.field("target").selectOption("user");
  await page.field("name").fill("ann");
  await send();
  await result(/ · 1 connection · /);
  await tape.until((items) => items.find(({ name }) => name.startsWith("payment:")), "the payment");
  assert.equal(posts.length, 2, "the second Ctrl+Enter sent nothing");
  const replied = page.page.waitForResponse((response) => response.url().includes("wait=ack"));
  acknowledge("late");
  await (await replied).finished();
  await page.page.evaluate(() => new Promise(requestAnimationFrame));
  assert.equal((await answer()).delivered, 1, "the answer of this form");
  await page.go("send?kind=emit");
  await retry(async () => await page.button("Send").isEnabled(), "the button");
  await page.field("name").fill("lobby");
  await page.field("wait").selectOption("");
  await page.field("timeout").fill("");
  await send();
  await result(/ · 0 connections · .*it is kept for replay$/);
  assert.deepEqual(await page.breaches(), []);
});

test("an answer is shown as it is", TEST, async (t) => {
  const server = await Server.start(t);
  const { page, send, result } = await open(t, server, "emit");
  const shown = () => page.page.getByLabel("The answer").textContent();
  const replies = [
    { body: `{"acks":[{"client":"a","args":[1.50,12345678901234567890,"{\\"x\\":[]}",{}]}],` +
        `"missing":["b"],"timedOut":false}` },
    { status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" },
    { contentType: "text/html", body: "<b>Hello</b>" },
    { body: `{"acks":[{"client":"a","args":["${"x".repeat(300_000)}"]}],"missing":[],` +
        `"timedOut":false}` },
  ];
  await page.page.route("**/v1/emit", (route) =>
    route.fulfill({ contentType: "application/json", ...replies.shift() }));
  await send();
  await result(/^1 acknowledgement of 2 clients · 1 client without one$/);
  assert.equal(
    await shown(),
    `{
  "acks": [
    {
      "client": "a",
      "args": [
        1.50,
        12345678901234567890,
        "{\\"x\\":[]}",
        {}
      ]
    }
  ],
  "missing": [
    "b"
  ],
  "timedOut": false
}`,
  );
  await send();
  await result(/^502 : status 502$/, "bad");
  assert.equal(await shown(), "<h1>Bad gateway</h1>");
  await send();
  await result(/^200: the answer is not JSON$/, "bad");
  await send();
  await result(/^1 acknowledgement of 1 client$/);
  assert.match(await shown(), /x… \(300,\d+ characters\)$/);
  assert.equal(await page.button("Send").isEnabled(), true);
});

test("a retained notification reaches who joins later", TEST, async (t) => {
  const server = await Server.start(t);
  const { page, send, result, marked, focused } = await open(t, server, "notifications");
  const retain = page.view.getByRole("checkbox", { name: /^retain keep it as the newest/ });
  await page.field("type").fill("price");
  await page.field("target").selectOption("all");
  await page.field("data").fill(`{"eur": 2.50}`);
  await retain.check();
  await send();
  await result(/^400 validation: retain: needs a target of one channel or one user, got all$/, "bad");
  assert.deepEqual([await marked(), await focused()], [
    [["retain", "needs a target of one channel or one user, got all"]],
    "retain",
  ]);
  await page.field("target").selectOption("channel");
  await page.field("name").fill("market");
  await page.view.getByText("More: metadata, time to live, exceptions").click();
  await page.field("except").fill("client-1, client-2");
  await send();
  await result(/ · 0 connections · /);
  assert.deepEqual(await marked(), []);

  const { tape } = await connectSocket(t, server, {
    auth: { userId: "ann", channels: ["market"] },
  });
  const { args: [{ data, metadata }] } = await tape.next("price");
  assert.deepEqual([data, metadata.retained], [{ eur: 2.5 }, true]);
  await page.go("send?kind=payment");
  await retain.waitFor();
  assert.equal(await retain.isChecked(), false);
  assert.deepEqual(await breaches(page), []);
});
