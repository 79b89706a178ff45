import { section, type View } from "../view.ts";

export function composer(): View {
  return { title: "composer", root: section("composer", "", []) };
}
