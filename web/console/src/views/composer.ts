// Forms to send the plain notification, events with bare arguments and each kind of the catalogue,
// made from the description of the API.

import { base, call, lineOf, onKey, type Answer } from "../api.ts";
import { button, copier, h, say, set } from "../dom.ts";
import { curl } from "../curl.ts";
import type { Field, Mistake } from "../field.ts";
import { fieldAt, fieldOf } from "../form.ts";
import { suggestions, type Known } from "../target.ts";
import { cut, indented } from "../text.ts";
import { Note, section, type View } from "../view.ts";
import { compose, fieldsOf, requestOf, type Composed } from "./kindform.ts";
import { PLAIN, readKinds, type Kind } from "./kinds.ts";
import { replyLine } from "./receipt.ts";

const SENDING = "Sending…";
/** How long to wait for an answer, in seconds: acknowledgements may take 30. */
const SECONDS = 50;
/** The most characters of an answer that the page shows. Acknowledgements may have 8 MiB. */
const MOST = 200_000;

export function composer(): View {
  const choice = h("select", { id: "kind" });
  const about = h("p", { class: "hint" }), note = new Note();
  const form = h("form", { class: "form", novalidate: true, autocomplete: "off" });
  const shown = h("pre", { class: "block", tabindex: 0, "aria-label": "The request as a command" });
  const result = h("p", { class: "result", role: "status" }),
    answer = h("pre", { class: "block", tabindex: 0, "aria-label": "The answer", hidden: true });
  const idempotency = fieldOf(
    "Idempotency-Key",
    {
      type: "string",
      description: "the server sends requests with the same key once in 10 minutes",
    },
    {},
    false,
  );
  const kinds = new Map<string, Kind>(), forms = new Map<string, Composed>();
  const sending = new Set<Composed>();
  let known: Known = () => [], current: Composed | undefined;

  function turn(name: string) {
    choice.value = name;
    const kind = kinds.get(choice.value)!;
    if (!forms.has(choice.value)) forms.set(choice.value, compose(kind, (which) => known(which)));
    current = forms.get(choice.value)!;
    about
      .replaceChildren(...kind.about.split("`").map((text, n) =>
        n % 2 ? h("code", {}, text) : text
      ));
    form.replaceChildren(...current.parts, idempotent, actions);
    current.seldom.append(idempotency.root);
    set(go, { disabled: sending.has(current) });
    tell(sending.has(current) ? SENDING : "");
    answer.hidden = true;
    paint();
  }

  const headers = (): Record<string, string> => {
    const value = idempotency.value();
    return value ? { "Idempotency-Key": JSON.parse(value) } : {};
  };

  function paint() {
    if (!current) return;
    const { path, body } = requestOf(current, () => {});
    say(shown, curl(new URL(path, base), body, headers()));
  }

  async function send() {
    const sent = current;
    if (!sent || sending.has(sent)) return;
    for (const field of fieldsOf(sent).flatMap((one) => [one, ...one.fields ?? []])) field.mark("");
    const mistakes: Mistake[] = [];
    const { path, body } = requestOf(sent, (mistake) => mistakes.push(mistake));
    if (mistakes.length) {
      for (const { field, message } of mistakes) show(field, message);
      mistakes[0]!.field.focus();
      return tell(`Not sent: ${mistakes[0]!.field.path}: ${mistakes[0]!.message}`, true);
    }
    sending.add(sent);
    set(go, { disabled: true });
    tell(SENDING);
    const reply = await call("POST", path, { body, headers: headers(), seconds: SECONDS });
    sending.delete(sent);
    // Another form may be shown while clients acknowledge: the answer is not its.
    if (current !== sent) return;
    set(go, { disabled: false });
    report(sent, reply);
  }

  function report(sent: Composed, { status, json, problem, text }: Answer<any>) {
    say(answer, cut(json === undefined ? text : indented(text), MOST));
    answer.hidden = !text;
    if (!problem) {
      return json === undefined
        ? tell(`${status}: the answer is not JSON`, true)
        : tell(replyLine(json));
    }
    tell(lineOf(problem), true);
    const field = problem.field && fieldAt(fieldsOf(sent), problem.field);
    if (field) {
      show(field, problem.detail.replace(`${problem.field}: `, ""));
      field.focus();
    }
  }

  function show(field: Field, text: string) {
    field.mark(text);
    const hidden = field.root.closest("details");
    if (hidden) hidden.open = true;
  }

  function tell(text: string, bad = false) {
    result.className = `result ${bad ? "bad" : text.endsWith("…") ? "" : "good"}`;
    say(result, text);
    result.scrollIntoView({ block: "nearest" });
  }

  function sample(all: boolean) {
    const { fields, query, needed, example } = current!;
    for (const [name, field] of [...fields, ...query])
      field.fill(all || needed.includes(name) ? example[name] : undefined);
    tell("");
    paint();
  }

  const go = h("button", { class: "primary" }, "Send");
  const actions = h(
    "div",
    { class: "row" },
    go,
    button("Fill in an example", () => sample(true)),
    button("Clear", () => sample(false)),
  );
  const idempotent = h("span", { hidden: true });
  set(form, {
    onsubmit: (event: Event) => {
      event.preventDefault();
      send();
    },
    oninput: () => paint(),
    onkeydown: (event: KeyboardEvent) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        send();
      }
    },
  });
  choice.onchange = () => turn(choice.value);
  onKey(() => {
    if (root.isConnected) load();
  });

  async function load() {
    known = await suggestions();
  }

  let ready: Promise<void> | undefined;
  async function start(params: URLSearchParams) {
    try {
      await (ready ??= readKinds(kinds, choice));
      note.say("");
    } catch (error) {
      ready = undefined;
      return note.say((error as Error).message, true);
    }
    const kind = params.get("kind");
    const asked = [`${PLAIN}/${kind}`, `v1/${kind}`].find((path) => kinds.has(path));
    if (!current || asked) turn(asked ?? PLAIN);
    const target = params.get("target");
    if (target) {
      current!.fields.get("target")!
        .fill(target === "all" ? { all: true } : { [target]: params.get("name") ?? "" });
      paint();
    }
    load();
  }

  const root = section(
    "Send",
    "Everything the HTTP API sends: notifications, events with bare arguments, and the catalogue.",
    [],
    note.root,
    h(
      "div",
      { class: "composer" },
      h(
        "div",
        { class: "card" },
        h("label", {}, h("span", { class: "label" }, "Kind"), choice),
        about,
        form,
      ),
      h(
        "aside",
        { class: "card", "aria-label": "Request and answer" },
        h(
          "div",
          { class: "row apart" },
          h("h3", {}, "Request"),
          copier(() => shown.textContent!),
        ),
        shown,
        h("h3", {}, "Answer"),
        result,
        answer,
      ),
    ),
  );
  return {
    title: "Send",
    root,
    show: (params) => {
      start(params);
    },
  };
}
