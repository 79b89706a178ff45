import { section, type View } from "../view.ts";

export function tokens(): View {
  return { title: "tokens", root: section("tokens", "", []) };
}
