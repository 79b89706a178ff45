import { section, type View } from "../view.ts";

export function connections(): View {
  return { title: "connections", root: section("connections", "", []) };
}
