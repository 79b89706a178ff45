// The cases of the table in docs/cluster.md: what a server emits, and which clients get it.
//
// Each server has a client "in" the rooms R and S, a client "out" of them, and a client of the
// namespace "/n" that is in R; each node of Roomcast has a stream "in" and one "out", too. rooms and
// except are names, or make them from a function that returns the id of a client.

const isIn = ({ role }) => role === "in";
const isOut = ({ role }) => role === "out";
const isRoot = ({ namespace }) => namespace === "/";
const only = (place, role) => (reader) => reader.place === place && reader.role === role;
const not = (test) => (reader) => isRoot(reader) && !test(reader);

/** The emits. */
export const EMITS = {
  "to a room": { rooms: ["R"], gets: isIn },
  "to two rooms, once": { rooms: ["R", "S"], gets: isIn },
  "to all": { gets: isRoot },
  "to all except a room": { except: ["R"], gets: isOut },
  "to a room except a client on Node": {
    rooms: ["R"],
    except: (id) => [id("node 2", "in")],
    gets: (reader) => isIn(reader) && reader.place !== "node 2",
  },
  "to all except a Socket.IO client of Roomcast": {
    except: (id) => [id("roomcast 1", "in")],
    gets: not(only("roomcast 1", "in")),
  },
  "to all except an EventSource stream": {
    except: (id) => [id("stream 1", "in")],
    gets: not(only("stream 1", "in")),
  },
  "to a client on Node": { rooms: (id) => [id("node 2", "out")], gets: only("node 2", "out") },
  "to a Socket.IO client of Roomcast": {
    rooms: (id) => [id("roomcast 1", "out")],
    gets: only("roomcast 1", "out"),
  },
  "to an EventSource stream": { rooms: (id) => [id("stream 1", "out")], gets: only("stream 1", "out") },
  "to a namespace": { namespace: "/n", gets: ({ role }) => role === "n" },
  "to a room of a namespace": { namespace: "/n", rooms: ["R"], gets: ({ role }) => role === "n" },
  "any JSON": {
    rooms: ["R"],
    args: ["é\u2028😀\u0000", 2 ** 53 - 1, -0.5, 1e-7, null, true, { a: [{ "": {} }, []] }],
    gets: isIn,
  },
  "no arguments": { rooms: ["R"], args: [], gets: isIn },
  "binary data": {
    rooms: ["R"],
    args: [{ parts: [Buffer.from([0, 1, 255])], text: "t" }, Buffer.from("tail"), Buffer.alloc(0)],
    gets: isIn,
  },
  "volatile": { rooms: ["R"], volatile: true, gets: isIn },
  "without compression": { rooms: ["R"], compress: false, gets: isIn, from: "node" },
};

/** The notifications that a backend publishes. metadata: what Roomcast adds. */
export const NOTIFICATIONS = {
  "to a user": { target: { user: "in" }, gets: isIn },
  "to users": { target: { users: ["in", "out"] }, gets: isRoot },
  "to a channel": { target: { channel: "R" }, metadata: { channel: "R" }, gets: isIn },
  "to channels": {
    target: { channels: ["R", "S"] },
    metadata: { channels: ["R", "S"] },
    gets: isIn,
  },
  "to everyone except a client on Node": {
    target: { all: true },
    except: (id) => [id("node 2", "in")],
    gets: not(only("node 2", "in")),
  },
  "to a client on Node": {
    target: (id) => ({ client: id("node 2", "out") }),
    gets: only("node 2", "out"),
  },
};
