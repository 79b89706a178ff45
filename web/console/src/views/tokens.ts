// Credentials for clients: tickets from the server, and tokens signed in the page.

import { authMode, onKey, type AuthMode } from "../api.ts";
import { h, say } from "../dom.ts";
import { section, type View } from "../view.ts";
import { ticketForm } from "./ticketform.ts";
import { tokenForm } from "./tokenform.ts";

const MODES: Record<AuthMode, string> = {
  open:
    "This server is in open mode: it accepts every user id, so clients need neither a ticket nor a token. Tickets work too; tokens are checked if the server has a key for them.",
  ticket:
    "This server is in ticket mode: every connection needs a ticket. It has no key for tokens.",
  hook:
    "This server is in hook mode: it asks your application about every connection without a ticket. It has no key for tokens.",
  token: "This server is in token mode: every connection needs a token or a ticket.",
};

export function tokens(): View {
  const mode = h("p", { class: "hint", role: "status" });
  async function ask() {
    const now = await authMode();
    say(
      mode,
      now
        ? MODES[now]
        : "With an API key without limits, this line shows how the server authenticates clients.",
    );
  }
  onKey(() => root.isConnected && !root.hidden && ask());
  const root = section(
    "Tokens",
    "Credentials for clients.",
    [],
    mode,
    h("div", { class: "halves" }, ticketForm(), tokenForm()),
  );
  return {
    title: "Tokens",
    root,
    show: () => {
      ask();
    },
  };
}
