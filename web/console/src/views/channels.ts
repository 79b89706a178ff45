import { section, type View } from "../view.ts";

export function channels(): View {
  return { title: "channels", root: section("channels", "", []) };
}
