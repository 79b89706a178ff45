// Ids of logs in memory and on disk, "5f3a9c01-1042", and of logs on a stream, "1764201600000-3".

import { expect, test } from "vitest";
import { isId } from "../../src/link.ts";
import { delivery, isRepeat } from "../../src/shared/delivery.ts";

test("both forms of an id are ids, and nothing else is", () => {
  for (const id of ["5f3a9c01-0", "5f3a9c01-1042", "ffffffff-0", "1764201600000-0",
    "1764201600000-4194303"]) expect(isId(id)).toBe(true);
  for (const text of ["", "0", "5f3a9c01", "5F3A9C01-1", "176420160000-1", "1764201600000-",
    "1764201600000-12345678", "17642016000000-1", 7, null]) expect(isId(text)).toBe(false);
});

test("ids of one log compare", () => {
  for (const [id, of, repeats] of [
    ["5f3a9c01-9", "5f3a9c01-10", true],
    ["5f3a9c01-10", "5f3a9c01-10", true],
    ["5f3a9c01-11", "5f3a9c01-10", false],
    ["00000001-1", "5f3a9c01-10", false],
    ["1764201600000-9", "1764201600000-10", true],
    ["1764201600001-0", "1764201600000-10", false],
    ["1764201600000-10", "1764201600001-0", true],
    ["1764201600000-10", "5f3a9c01-99", false],
    ["5f3a9c01-1", "", false],
    ["1764201600000-1", "", false],
  ] as const) expect([id, of, isRepeat(id, of)]).toEqual([id, of, repeats]);
});

test("a tab delivers each id once, and again after the gap of another history", () => {
  const got: string[] = [];
  const deliver = delivery(
    "tab",
    { foreign: () => false } as any,
    { event: (name, value) => got.push(value.id ?? name), state: () => undefined },
  );
  const message = (id: string) => deliver("note", { id }, id);
  for (const id of ["1764201600000-1", "1764201600005-0", "1764201600000-1", "1764201600003-0"])
    message(id);
  deliver("gap", { reason: "trimmed" }, "");
  message("1764201600003-0");
  deliver("gap", { reason: "epoch" }, "");
  message("1764201600003-0");
  expect(got).toEqual([
    "1764201600000-1", "1764201600005-0", "gap", "gap", "1764201600003-0",
  ]);
});
