// The form for a ticket.

import { base, call } from "../api.ts";
import { output, text } from "../credential.ts";
import { h, labelled, say, select, set } from "../dom.ts";
import { words } from "../text.ts";
import { Note } from "../view.ts";

/** Returns the form for a ticket of the server, which is valid for one connection. */
export function ticketForm(): HTMLElement {
  const userId = text("userId", "alice"),
    username = text("username"),
    channels = text("channels", "", "orders, team-*");
  const ttl = select({ "30s": "30 s", "20s": "20 s", "10s": "10 s" }, { name: "ttl" });
  const note = new Note(), left = h("p", { class: "hint", role: "timer" });
  const out = output("Ticket");
  let timer: ReturnType<typeof setInterval> | undefined;

  async function make() {
    const body: Record<string, unknown> = { userId: userId.value.trim(), ttl: ttl.value };
    if (username.value.trim()) body.username = username.value.trim();
    if (words(channels.value).length) body.channels = words(channels.value);
    const { json, problem } = await call<{ ticket: string; expiresAt: string }>(
      "POST",
      "v1/tickets",
      { body: JSON.stringify(body) },
    );
    set(userId, { "aria-invalid": problem?.field === "userId" && "true" });
    set(channels, { "aria-invalid": problem?.field?.startsWith("channels") && "true" });
    out.root.hidden = Boolean(problem);
    clearInterval(timer);
    if (problem) return note.problem(problem);
    note.say("Issued. It is valid for one connection.");
    say(out.made, json.ticket);
    const url = new URL("sse", base);
    url.searchParams.set("ticket", json.ticket);
    say(out.use, `curl -N '${url}'`);
    const tick = () => {
      const seconds = Math.ceil((Date.parse(json.expiresAt) - Date.now()) / 1000);
      say(
        left,
        seconds > 0 ? `Valid for another ${seconds} s.` : "It has expired: issue another one.",
      );
      if (seconds <= 0) clearInterval(timer);
    };
    tick();
    timer = setInterval(tick, 1000);
  }
  out.root.append(left);
  return h(
    "form",
    {
      class: "card form",
      id: "ticket",
      autocomplete: "off",
      onsubmit: (event: Event) => {
        event.preventDefault();
        make();
      },
    },
    h("h3", {}, "Ticket"),
    h(
      "p",
      { class: "hint" },
      "For one connection of a user, within 30 s. Your backend requests one for each page that connects.",
    ),
    h("div", { class: "pair" }, labelled("User ID", userId), labelled("Username", username)),
    h(
      "div",
      { class: "pair" },
      labelled("Channels", channels, "patterns"),
      labelled("Valid for", ttl),
    ),
    h("div", { class: "row" }, h("button", { class: "primary" }, "Issue a ticket")),
    note.root,
    out.root,
  );
}
