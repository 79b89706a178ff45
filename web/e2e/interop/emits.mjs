// Runs the rows of a table: a server sends, and the clients of all servers are asked what they got.

import assert from "node:assert/strict";
import { once, retry } from "../wait.mjs";
import { contentFor, contentOf } from "./stage.mjs";

/** The form of an id of a stream. */
const STREAM_ID = /^[1-9][0-9]{12}-(0|[1-9][0-9]{0,6})$/;

const nameOf = ({ tape }) => tape.name;

/** Fails unless exactly the clients that gets accepts got something. Resolves with the entries. */
function reached(stage, got, gets) {
  const those = got.filter(([, items]) => items.length > 0);
  assert.deepEqual(those.map(([reader]) => nameOf(reader)), stage.readers.filter(gets).map(nameOf));
  return those;
}

/**
 * Fails unless all clients got the same id, that of an entry of the stream. Those of servers with the
 * pub/sub adapter get none.
 */
async function sameId(stage, those, receipt) {
  const items = those.flatMap(([{ place }, items]) =>
    stage.isPubSub && place.startsWith("node") ? [] : items);
  if (items.length === 0) return;
  const [id, ...others] = new Set(items.map(({ id }) => id));
  assert.deepEqual(others, [], "other ids");
  assert.match(id, STREAM_ID);
  if (receipt) assert.equal(id, receipt);
  const entries = await stage.redis.client.xRange(stage.stream, id, id);
  assert.equal(entries.length, 1, `entries with the id ${id}`);
}

/** Returns which clients get what a sender sends, of those that a row names. */
function reachOf(stage, sender, { gets, deaf }) {
  const isDeaf = sender.kind === "roomcast" && stage.version === deaf;
  return isDeaf ? (reader) => gets(reader) && !reader.place.startsWith("node") : gets;
}

/** Sends a message of the table, and checks who gets what. */
export async function emits(stage, sender, row) {
  const gets = reachOf(stage, sender, row);
  const { gets: _, deaf, from, rooms = [], except = [], args = [1], ...rest } = row;
  const idOf = (place, role) => stage.reader(place, role).id;
  const names = (list) => typeof list === "function" ? list(idOf) : list;
  const message = { ...rest, rooms: names(rooms), except: names(except), args };
  if (rest.volatile) return emitsVolatile(stage, sender, gets, message);
  let receipt;
  const got = await stage.during(sender, async () => {
    receipt = await sender.emit(message);
  });
  const those = reached(stage, got, gets);
  for (const [reader, items] of those)
    assert.deepEqual(items.map(contentOf), [contentFor(reader, args)], nameOf(reader));
  await sameId(stage, those, receipt);
}

/** The same for volatile messages, which a busy connection drops. */
async function emitsVolatile(stage, sender, gets, message) {
  const wanted = stage.readers.filter(gets).map(({ tape }) => [tape, tape.named("e").length]);
  const all = () => wanted.every(([tape, before]) => tape.named("e").length > before);
  const got = await stage.during(sender, () =>
    retry(async () => all() || (await sender.emit(message), false), "a volatile event"));
  for (const [reader, items] of reached(stage, got, gets))
    for (const item of items)
      assert.deepEqual(contentOf(item), contentFor(reader, message.args), nameOf(reader));
}

/** Publishes a notification of the table, and checks who gets it. */
export async function notifies(stage, sender, { gets, target, except, metadata }) {
  const idOf = (place, role) => stage.reader(place, role).id;
  const resolve = (value) => typeof value === "function" ? value(idOf) : value;
  let receipt;
  const data = { amount: 12.5, lines: [{ sku: "é\u2028" }] };
  const got = await stage.during(sender, async () => {
    receipt = await sender.server.publish({
      target: resolve(target),
      except: resolve(except),
      type: "paid",
      data,
      metadata: { by: "test" },
    });
  });
  const those = reached(stage, got, gets);
  for (const [reader, [item, ...more]] of those) {
    assert.deepEqual(more, []);
    const { timestamp, ...notification } = reader.source ? item.data : item.args[0];
    assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    // Clients of servers with the streams adapter have the id after the object only.
    const hasNoId = reader.place.startsWith("node") && !stage.isPubSub;
    assert.deepEqual(notification, {
      ...(!hasNoId && { id: receipt.id }),
      type: "paid",
      data,
      metadata: { by: "test", ...metadata },
    }, nameOf(reader));
  }
  await sameId(stage, those, receipt.id);
}

/** Changes the rooms of the clients of a user, or disconnects them, and checks what they notice. */
export async function changes(stage, sender, role, { change }) {
  const isTheirs = (reader) => reader.role === role;
  if (change === "end") return ends(stage, sender, isTheirs, role);
  await sender[change](role, "T");
  if (change === "join") return emits(stage, sender, { rooms: ["T"], gets: isTheirs });
  return emits(stage, sender, { rooms: ["T", "S"], gets: ({ role }) => role === "in" });
}

/** Checks that clients are told that they are disconnected, and that the others stay. */
async function ends(stage, sender, gets, user) {
  const those = stage.readers.filter(gets);
  const told = those.map(({ tape, socket, source }) =>
    source ? tape.next("disconnected") : once(socket, "disconnect"));
  await sender.end(user);
  for (const [i, reason] of (await Promise.all(told)).entries())
    if (those[i].socket) assert.equal(reason[0], "io server disconnect", nameOf(those[i]));
  stage.forget(gets);
  const got = await stage.during(sender, () => sender.emit({ rooms: ["R"] }));
  reached(stage, got, ({ role }) => role === "in"); // they are still there
}
