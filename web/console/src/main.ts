// The page: its views, the key and the theme.

import { key, onKey, takeKey } from "./api.ts";
import { button, h, say, set } from "./dom.ts";
import { themeSwitch } from "./theme.ts";
import { askForKey, to, type View } from "./view.ts";
import { channels } from "./views/channels.ts";
import { composer } from "./views/composer.ts";
import { connections } from "./views/connections.ts";
import { stats } from "./views/stats.ts";
import { tail } from "./views/tail.ts";
import { tokens } from "./views/tokens.ts";
import { tryout } from "./views/tryout.ts";

const VIEWS: Record<string, { name: string; make: () => View; keyed: boolean }> = {
  connections: { name: "Connections", make: connections, keyed: true },
  channels: { name: "Channels", make: channels, keyed: true },
  stats: { name: "Statistics", make: stats, keyed: true },
  send: { name: "Send", make: composer, keyed: true },
  tail: { name: "Live tail", make: tail, keyed: false },
  try: { name: "Try-out", make: tryout, keyed: false },
  tokens: { name: "Tokens", make: tokens, keyed: false },
};
const FIRST = "connections";

const main = document.getElementById("main")!;
const made = new Map<string, View>();
const links = new Map<string, HTMLElement>();
let shown = "";

/** Shows the view in the address. */
function route(first = false) {
  const [path = "", query = ""] = location.hash.split("?");
  if (shown && !path.startsWith("#/")) return; // an anchor within the view
  const name = path.slice(2) in VIEWS ? path.slice(2) : FIRST;
  const { make, name: title, keyed } = VIEWS[name]!;
  if (!made.has(name)) {
    const view = make();
    made.set(name, view);
    main.append(view.root);
  }
  const view = made.get(name)!;
  if (shown !== name) made.get(shown)?.hide?.();
  for (const other of made.values()) other.root.hidden = other !== view;
  for (const [other, link] of links) set(link, { "aria-current": other === name && "page" });
  document.title = `${title} · Roomcast console`;
  const same = shown === name;
  shown = name;
  view.show?.(new URLSearchParams(query));
  if (!same && !first) view.root.querySelector("h2")!.focus();
  if (!same) scrollTo(0, 0);
  if (keyed && first && !key.value) askForKey();
}

takeKey();
document.getElementById("nav")!
  .append(h(
    "ul",
    {},
    ...Object.entries(VIEWS).map(([name, { name: title }]) => {
      const link = h("a", { href: to(name) }, title);
      links.set(name, link);
      return h("li", {}, link);
    }),
  ));
const keyButton = button("", askForKey, { class: "key", "aria-haspopup": "dialog" });
const showKey = () => {
  say(keyButton, key.value ? "API key" : "No API key");
  set(keyButton, { "data-set": Boolean(key.value) });
};
onKey(showKey);
showKey();
document.getElementById("tools")!.append(keyButton, themeSwitch());
addEventListener("hashchange", () => {
  takeKey();
  route();
});
route(true);
