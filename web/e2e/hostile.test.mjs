// The console shows hostile input, of which nothing may run, load or become markup.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Console, oneBrowser } from "./browser.mjs";
import { connectSocket } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { SOON, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

const payloads = [
  `<img src=x onerror="alert(1)">`,
  `<script>alert(2)</script>`,
  `"><svg onload=alert(3)>`,
  `javascript:alert(4)`,
  `</pre></li></ol></section><iframe srcdoc="<script>parent.alert(5)</script>"></iframe>`,
  `<style>*{display:none}</style>`,
  `<link rel=stylesheet href=/x.css>`,
  `<base href=//evil.example/>`,
  `{{constructor.constructor('alert(6)')()}}`,
  `' onfocus=alert(7) autofocus x='`,
  `<form action=//evil.example><input name=key></form>`,
];

test("hostile names and data stay text", TEST, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server, { view: "try" });
  const sides = [page.side("socketio"), page.side("sse")];
  const requests = [];
  page.page.on("request", (request) => requests.push(request.url()));
  // A payload that runs calls this, or opens a dialog, which counts as an error.
  await page.page.evaluate(() => {
    window.alert = () => window.breaches.push("alert was called");
  });

  await page.identify({ userId: payloads[0], username: payloads[1] });
  await page.join(payloads[2]);
  for (const side of sides) await side.connect();
  const markup = () =>
    page.page.evaluate(() => {
      const count = {};
      for (const { localName } of document.querySelectorAll("*"))
        count[localName] = (count[localName] ?? 0) + 1;
      return Object.keys(count).sort();
    });
  await server.publish({ target: { channel: payloads[2] }, type: "plain", data: {} });
  await server.publish({ target: { all: true }, type: "volatile", data: {}, volatile: true });
  for (const side of sides) {
    await side.row("plain");
    await side.row("volatile");
    await side.root.locator(`.event[data-type=plain] summary`).click();
  }
  const before = await markup();

  for (const text of payloads) {
    const target = { channel: payloads[2] };
    await server.publish({
      target,
      type: text.trim(),
      data: { [text]: text, list: [text] },
      metadata: { [text]: text },
    });
    await server.publish({ target: { user: payloads[0] }, type: "as data", data: text });
  }
  const { socket } = await connectSocket(t, server, {
    auth: { userId: payloads[4].slice(0, 100), channels: [payloads[2]] },
  });
  await socket.timeout(SOON).emitWithAck("send-message", {
    room: payloads[2],
    message: payloads[0],
    metadata: { [payloads[3]]: payloads[1] },
  });
  await server.publish({ target: { all: true }, type: "the end", data: null });

  for (const side of sides) {
    await side.row("the end");
    for (const text of payloads) {
      const { text: shown } = await side.row(text.trim());
      assert.deepEqual(JSON.parse(shown), { [text]: text, list: [text] }, "it is shown as it is");
    }
    assert.deepEqual(JSON.parse((await side.row("message")).text).message, payloads[0]);
    for (const summary of await side.root.locator("summary").all()) await summary.click();
  }
  assert.deepEqual(await markup(), before, "no element of a kind that the page does not have");
  assert.equal(
    await page.page.evaluate(() =>
      document.querySelectorAll("main img, main script, iframe").length
    ),
    0,
  );
  for (
    const view of [
      "connections",
      "channels",
      "stats",
      "tail?user=" + encodeURIComponent(payloads[0]),
    ]
  ) {
    await page.go(view);
    if (view === "connections") {
      for (const toggle of await page.view.locator(".toggle").all()) await toggle.click();
    }
    if (view === "connections" || view === "channels")
      await page.view.getByText(payloads[2], { exact: true }).first().waitFor();
    if (view.startsWith("tail")) {
      await page.join(payloads[2]);
      await page.button("Connect").click();
      await page.view.locator(".event[data-type=connected]").waitFor();
      await server.publish({
        target: { channel: payloads[2] },
        type: payloads[0],
        data: payloads,
        metadata: { [payloads[1]]: payloads[1] },
      });
      await page.view.locator(".event:not(.control) summary").click();
      await page.view.locator("pre", { hasText: payloads[1] }).waitFor();
    }
    assert.equal(
      await page.view
        .locator("img, script, iframe, style, link, base, object, embed, [onload], [onerror], [onfocus]")
        .count(),
      0,
      view,
    );
  }
  assert.deepEqual(await page.breaches(), [], "nothing ran, and nothing had to be stopped");
  const foreign = requests.filter((url) =>
    ![server.url, server.url.replace("http", "ws")].some((own) => url.startsWith(`${own}/`))
  );
  assert.deepEqual(foreign, []);
});

test("the policy blocks what the page does not", TEST, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server);
  const stopped = await page.page.evaluate(async () => {
    const result = {};
    try {
      document.body.innerHTML = "<b>x</b>";
    } catch (error) {
      result.markup = error.name;
    }
    const script = document.createElement("script");
    try {
      script.textContent = "window.ran = true";
      document.body.append(script);
    } catch (error) {
      result.script = error.name;
    }
    result.ran = window.ran === true;
    result.fetch = await fetch("http://127.0.0.1:9/").then(() => "sent", (error) => error.name);
    return result;
  });
  assert.deepEqual(stopped, {
    markup: "TypeError",
    script: "TypeError",
    ran: false,
    fetch: "TypeError",
  });
  const breaches = (await page.breaches()).join("\n");
  for (const directive of ["require-trusted-types-for", "connect-src"])
    assert.ok(breaches.includes(directive), breaches);
});
