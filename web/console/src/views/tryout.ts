import { section, type View } from "../view.ts";

export function tryout(): View {
  return { title: "tryout", root: section("tryout", "", []) };
}
