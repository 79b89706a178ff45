// Writes the table of docs/cluster.md: `node interop/table.mjs`.

import { ADAPTERS } from "../nodeserver.mjs";
import { CALLS } from "./calls.mjs";
import { CHANGES, EMITS, NOTIFICATIONS } from "./cases.mjs";

const KINDS = ["node", "roomcast"];

/** Returns the lines of the table: for each version, what one kind of server does at the other. */
export function table() {
  const rows = [
    ...Object.entries(EMITS),
    ...Object.entries(NOTIFICATIONS)
      .map(([name, row]) => [`a notification ${name}`, { ...row, from: "roomcast" }]),
    ...Object.entries(CHANGES),
    ...Object.keys(CALLS.node)
      .map((name) => [name, CALLS.roomcast[name] ? {} : { from: "node" }]),
  ];
  const cell = ({ from, deaf }, version) => (kind) =>
    from && from !== kind ? "" : kind === "roomcast" && version === deaf ? "no" : "yes";
  const versions = Object.keys(ADAPTERS);
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    line(["", ...versions.flatMap((v) => [`${v}: from Node`, "from Roomcast"])]),
    line(["---", ...versions.flatMap(() => ["---", "---"])]),
    ...rows.map(([name, row]) => line([name, ...versions.flatMap((v) => KINDS.map(cell(row, v)))])),
  ];
}

if (process.argv[1] === import.meta.filename) console.log(table().join("\n"));
