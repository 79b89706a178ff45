// The rows of the table in docs/cluster.md, which the test file runs and table.mjs writes.
//
// Each server has a client "in" the rooms R, S and OBJECT_ID, a client "out" of them, and a client of
// the namespace "/n" that is in R; each node of Roomcast has a stream "in" and one "out", too.
//
// rooms and except are names, or a function that makes them from the ids of clients. from: the only
// kind of sender that has this. deaf: the version of the adapter that does not get this from Roomcast.

const isIn = ({ role }) => role === "in";
const isOut = ({ role }) => role === "out";
const isInNamespace = ({ role }) => role === "n";
const isRoot = ({ namespace }) => namespace === "/";
const only = (place, role) => (reader) => reader.place === place && reader.role === role;
const not = (test) => (reader) => isRoot(reader) && !test(reader);

/** The name of a room, which MongoDB has made. */
export const OBJECT_ID = "507f1f77bcf86cd799439011";

/** What servers emit. */
export const EMITS = {
  "to a room": { rooms: ["R"], gets: isIn },
  "to a room with an ObjectId as its name": { rooms: [OBJECT_ID], gets: isIn },
  "to two rooms, once": { rooms: ["R", "S"], gets: isIn },
  "to all": { gets: isRoot },
  "to all except a room": { except: ["R"], gets: isOut },
  "to all except a client on Node": {
    except: (id) => [id("node 2", "in")],
    gets: not(only("node 2", "in")),
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
  "to an EventSource stream": {
    rooms: (id) => [id("stream 1", "out")],
    gets: only("stream 1", "out"),
  },
  "to a namespace": { namespace: "/n", gets: isInNamespace },
  "to a room of a namespace": { namespace: "/n", rooms: ["R"], gets: isInNamespace },
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
  "volatile": { rooms: ["R"], volatile: true, gets: isIn, deaf: "0.2.3" },
  "without compression": { rooms: ["R"], compress: false, gets: isIn, from: "node" },
};

/** What backends publish to Roomcast. metadata: what Roomcast adds. */
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

/** What servers do with the clients of a user. change: the method of a sender. */
export const CHANGES = {
  "join clients to a room": { change: "join" },
  "take clients out of a room": { change: "leave" },
  "disconnect clients": { change: "end" },
};
