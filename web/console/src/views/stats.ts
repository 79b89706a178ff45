import { section, type View } from "../view.ts";

export function stats(): View {
  return { title: "stats", root: section("stats", "", []) };
}
