// The short form of the try-out: a notification through the API, or a message of one of its clients.

import { call, lineOf } from "../api.ts";
import { h, labelled, select } from "../dom.ts";
import { jsonField, Mistake } from "../field.ts";
import type { Pane } from "../pane.ts";
import { targetField } from "../target.ts";
import { Note } from "../view.ts";
import { countsOf } from "./receipt.ts";

/**
 * Returns the form. The view Send has all options. user: the field of the user id. channels:
 * returns those of both clients.
 */
export function sendForm(
  user: HTMLInputElement,
  channels: () => string[],
  socket: Pane,
  stream: Pane,
): HTMLElement {
  const sent = new Note();
  const by = select({
    api: "the HTTP API",
    "socket.io": "this Socket.IO client",
    sse: "this EventSource client",
  }, { name: "by" });
  const type = h("input", {
    name: "type",
    value: "payment:completed",
    maxlength: 128,
    spellcheck: "false",
    autocomplete: "off",
  });
  const target = targetField("", (kind) =>
    ({
      user: [user.value],
      users: [user.value],
      channel: channels(),
      channels: channels(),
      client: [socket, stream].map(({ client }) => client?.clientId ?? "").filter(Boolean),
    })[kind] ?? []);
  const channel = h("input", {
    name: "room",
    value: "",
    maxlength: 200,
    spellcheck: "false",
    placeholder: "orders",
  });
  const data = jsonField("data", "Data", "", false, "any");
  target.fill({ user: "alice" });
  data.fill({ paymentId: "p-1", amount: 42 });
  const typed = labelled("Type", type), room = labelled("Channel", channel);
  by.onchange = () => {
    const api = by.value === "api";
    typed.hidden = target.root.hidden = !api;
    room.hidden = api;
  };
  room.hidden = true;
  let before = user.value;
  user.oninput = () => {
    const name = target.root.querySelector("input")!;
    // The target follows the user ID until it is edited.
    if (name.value === before) name.value = user.value;
    before = user.value;
  };

  async function send() {
    for (const field of [target, data]) field.mark("");
    try {
      const json = data.value() ?? "null";
      sent.say("Sending…");
      const receipt = by.value === "api" ? await publish(json) : await sendByClient(json);
      if (receipt) sent.say(countsOf(receipt));
    } catch (error) {
      if (error instanceof Mistake) {
        error.field.mark(error.message);
        error.field.focus();
      }
      sent.say(
        error instanceof Mistake
          ? `Not sent: ${error.message}`
          : `Refused: ${(error as Error).message}`,
        true,
      );
    }
  }

  async function publish(json: string) {
    const body = `{"target": ${target.value()}, "type": ${
      JSON.stringify(type.value.trim())
    }, "data": ${json}}`;
    const { json: receipt, problem } = await call("POST", "v1/notifications", { body });
    if (!problem) return receipt;
    sent.problem(problem);
    if (problem.field?.startsWith("target")) target.mark(problem.detail);
    if (problem.status !== 401) sent.say(lineOf(problem), true);
  }

  async function sendByClient(json: string) {
    const pane = by.value === "sse" ? stream : socket;
    if (pane.status !== "connected") throw new Error("this side is not connected");
    return pane.client!.send(channel.value.trim(), JSON.parse(json));
  }

  return h(
    "form",
    {
      class: "card form",
      id: "quick",
      autocomplete: "off",
      onsubmit: (event: Event) => {
        event.preventDefault();
        send();
      },
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          send();
        }
      },
    },
    h("h3", {}, "Send"),
    labelled("By", by),
    target.root,
    typed,
    room,
    data.root,
    h("button", { class: "primary" }, "Send"),
    sent.root,
  );
}
