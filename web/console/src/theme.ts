// Light or dark: the choice of the system, or of the user.

import { labelled, select } from "./dom.ts";

const STORED = "roomcast:theme";

function use(theme: string) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** Returns the switch, and applies the last choice. */
export function themeSwitch(): HTMLElement {
  const choice = select({ "": "System", light: "Light", dark: "Dark" });
  choice.value = localStorage.getItem(STORED) ?? "";
  choice.onchange = () => {
    use(choice.value);
    if (choice.value) localStorage.setItem(STORED, choice.value);
    else localStorage.removeItem(STORED);
  };
  use(choice.value);
  const root = labelled("Theme", choice);
  root.className = "theme";
  return root;
}
