// The form for a token, which the page signs.

import { output, text } from "../credential.ts";
import { button, h, labelled, newId, say, select, set } from "../dom.ts";
import { sign } from "../jwt.ts";
import { full, words } from "../text.ts";
import { Note, to } from "../view.ts";
import { useToken } from "./tryout.ts";

/** The shortest JWT_SECRET that a server accepts, in bytes. */
const SHORTEST = 32;

/** Returns the form for a token. The secret never leaves the page. */
export function tokenForm(): HTMLElement {
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
