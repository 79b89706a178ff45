import { section, type View } from "../view.ts";

export function tail(): View {
  return { title: "tail", root: section("tail", "", []) };
}
