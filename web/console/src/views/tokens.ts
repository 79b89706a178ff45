// Credentials for clients: tickets from the server, and tokens signed in the page.

import { authMode, base, call, onKey, type AuthMode } from "../api.ts";
import { button, copier, h, labelled, newId, say, select, set } from "../dom.ts";
import { sign } from "../jwt.ts";
import { full, words } from "../text.ts";
import { Note, section, to, type View } from "../view.ts";
import { useToken } from "./tryout.ts";

const MODES: Record<AuthMode, string> = {
  open:
    "This server is in open mode: it accepts every user id, so clients need neither a ticket nor a token. Tickets work too; tokens are checked if the server has a key for them.",
  ticket:
    "This server is in ticket mode: every connection needs a ticket. It has no key for tokens.",
  token: "This server is in token mode: every connection needs a token or a ticket.",
};
/** The shortest JWT_SECRET that a server accepts, in bytes. */
const SHORTEST = 32;

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

const text = (name: string, value = "", placeholder = "") =>
  h("input", { name, value, placeholder, spellcheck: "false", autocomplete: "off" });

/** Returns a hidden area for a credential, and for a command that uses it. */
function output(label: string, ...actions: HTMLElement[]) {
  const made = h("pre", { class: "block", tabindex: 0, "aria-label": label }),
    use = h("pre", { class: "block", tabindex: 0, "aria-label": "How to try it" });
  const root = h(
    "div",
    { class: "form", hidden: true },
    h(
      "div",
      { class: "row apart" },
      h("h3", {}, label),
      h("div", { class: "row" }, copier(() => made.textContent!), ...actions),
    ),
    made,
    use,
  );
  return { root, made, use };
}

/** Returns the form for a ticket of the server, which is valid for one connection. */
function ticketForm(): HTMLElement {
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

/** Returns the form for a token. The secret never leaves the page. */
function tokenForm(): HTMLElement {
  const warned = newId();
  const secret = h("input", {
    name: "secret",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": warned,
  });
  const sub = text("sub", "alice"),
    name = text("tokenName"),
    channels = text("patterns", "", "orders, team-*"),
    publish = text("publish", "", "orders");
  const issuer = text("iss"), audience = text("aud");
  const life = select({
    "300s": "5 minutes",
    "3600s": "1 hour",
    "86400s": "1 day",
    "45s": "45 s, to see it expire",
  }, { name: "life" });
  const note = new Note(),
    claims = h("pre", { class: "block", tabindex: 0, "aria-label": "Claims" });
  const out = output(
    "Token",
    button("Use in the try-out", () => {
      useToken(out.made.textContent!);
      location.hash = to("try");
    }, { class: "small" }),
  );
  out.use.replaceWith(claims);

  async function make() {
    const bytes = new TextEncoder().encode(secret.value).length;
    const wrong = bytes === 0
      ? "The secret is missing."
      : !sub.value.trim()
      ? "The user ID is missing."
      : "";
    set(secret, { "aria-invalid": bytes === 0 && "true" });
    set(sub, { "aria-invalid": !sub.value.trim() && "true" });
    out.root.hidden = true;
    if (wrong) {
      (bytes === 0 ? secret : sub).focus();
      return note.say(wrong, true);
    }
    const now = Math.floor(Date.now() / 1000);
    const body: Record<string, unknown> = {
      sub: sub.value.trim(),
      iat: now,
      exp: now + parseInt(life.value),
    };
    for (const [claim, field] of [["name", name], ["iss", issuer], ["aud", audience]] as const)
      if (field.value.trim()) body[claim] = field.value.trim();
    for (const [claim, field] of [["channels", channels], ["publish", publish]] as const)
      if (words(field.value).length) body[claim] = words(field.value);
    try {
      say(out.made, await sign(body, secret.value));
    } catch (error) {
      return note.say((error as Error).message, true);
    }
    say(claims, JSON.stringify(body, null, 2));
    out.root.hidden = false;
    const weak = bytes < SHORTEST
      ? ` The secret has ${bytes} bytes; the server requires at least ${SHORTEST}.`
      : "";
    note.say(
      `Signed. It expires at ${full((now + parseInt(life.value)) * 1000)}.${weak}`,
      weak !== "",
    );
  }

  return h(
    "form",
    {
      class: "card form",
      id: "token",
      autocomplete: "off",
      onsubmit: (event: Event) => {
        event.preventDefault();
        make();
      },
    },
    h("h3", {}, "Token (JWT, HS256)"),
    h(
      "p",
      { class: "hint" },
      "For tests. In production your own login signs tokens, with a key that no browser sees.",
    ),
    labelled("Secret", secret, "JWT_SECRET of the server"),
    h(
      "p",
      { class: "warning", id: warned },
      "Anyone with this secret can impersonate every user. The page neither sends nor stores it. Do not enter the secret of a production server.",
    ),
    h("div", { class: "pair" }, labelled("User ID", sub, "sub"), labelled("Name", name)),
    h(
      "div",
      { class: "pair" },
      labelled("May join", channels, "channels"),
      labelled("May publish to", publish),
    ),
    h("div", { class: "pair" }, labelled("Valid for", life)),
    h(
      "details",
      {},
      h("summary", {}, "Issuer and audience"),
      h("div", { class: "pair" }, labelled("Issuer", issuer), labelled("Audience", audience)),
    ),
    h("div", { class: "row" }, h("button", { class: "primary" }, "Sign")),
    note.root,
    out.root,
  );
}
