// What clients do, the same with both servers. A scenario gets a Stage, whose clients write down all
// that they see. `needs` names what the server must post to its handlers; `differs` the row of
// docs/compatibility.md with the reason of a difference.

const bytes = (n) => Buffer.alloc(n, 7);
const nested = (depth) => depth === 0 ? 1 : [nested(depth - 1)];

/** Two or three clients that have connected, and have been handled. */
const pair = async (s, n = 2) => {
  const clients = [];
  for (let i = 0; i < n; i++) clients.push(await s.join(String.fromCharCode(97 + i)));
  return clients;
};
/** Lets what was sent before arrive at all clients. */
const settle = async (...clients) => {
  for (const client of clients) await client.ack("sync");
  for (const client of clients) await client.ack("sync");
};
const echo = (...args) => async (s) => {
  const [a] = await pair(s, 1);
  await a.ack("echo", ...args);
};
const back = (...args) => async (s) => {
  const [a] = await pair(s, 1);
  a.emit("back", ...args);
  await settle(a);
};

/** Scenarios for each transport. */
export const SCENARIOS = {
  "an acknowledgement": echo("hello"),
  "an acknowledgement without arguments": echo(),
  "an acknowledgement with many arguments": echo(1, "two", [3], { four: 4 }, null, true),
  "numbers": echo(0, -1, 1.5, 1e21, 1e-7, 2 ** 53, -(2 ** 53), 123456789012345680000),
  "numbers without JSON": echo(NaN, Infinity, -Infinity),
  "undefined": echo(undefined, { a: undefined, b: 1 }, [undefined]),
  "a date": echo(new Date(0)),
  "unicode": echo("é€😀\u2028\u2029\u0000\u001e\u007f\ufeff", { "ключ\n": "значение" }),
  "half a surrogate pair": echo("\ud83d", "\udc00x"),
  "an empty string, array and object": echo("", [], {}),
  "a key like a prototype": echo({ constructor: 1, toString: 2 }),
  "nested arrays": echo(nested(25)),
  "deeply nested arrays": {
    run: async (s) => {
      const [a] = await pair(s, 1);
      s.note("then", await s.disconnectOrAck(a, "echo", nested(40)));
    },
    differs: "depth",
  },
  "an array of 10,000 numbers": echo(Array.from({ length: 10_000 }, (_, i) => i)),
  "an array of 100,000 numbers": { run: echo(Array.from({ length: 100_000 }, () => 1)), differs: "values" },
  "a large text": echo("x".repeat(500_000)),
  "a binary value": echo(bytes(3)),
  "an empty binary value": echo(bytes(0)),
  "binary values in places": echo({ a: bytes(1), b: [bytes(2), { c: bytes(3) }] }, bytes(4)),
  "ten binary values": echo(...Array.from({ length: 10 }, (_, i) => bytes(i))),
  "an object like a placeholder": echo({ _placeholder: true, num: 0 }),
  "an event back": back(1, { a: [2] }),
  "an event back without arguments": back(),
  "an event with binary back": back("photo", bytes(10), { more: bytes(2) }),
  "events of a client stay in order": async (s) => {
    const [a] = await pair(s, 1);
    for (let i = 0; i < 50; i++) a.emit("back", i);
    await settle(a);
  },
  "text and binary stay in order": async (s) => {
    const [a] = await pair(s, 1);
    for (let i = 0; i < 10; i++) a.emit("back", i % 2 ? bytes(i) : i);
    await settle(a);
  },
  "a handler emits many events": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("numbers", 100);
    await settle(a);
  },
  "an acknowledgement after a while": async (s) => {
    const [a] = await pair(s, 1);
    await a.ack("later", 20);
  },
  "an acknowledgement twice": async (s) => {
    const [a] = await pair(s, 1);
    await a.ack("twice");
    await settle(a);
  },
  "an acknowledgement that never comes": async (s) => {
    const [a] = await pair(s, 1);
    await a.ackWithin(200, "numbers", 0);
    await settle(a);
  },
  "an event without a handler": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("nobody handles this", 1);
    await a.ackWithin(200, "nor this");
    await settle(a);
  },
  "an acknowledgement, then an event": {
    run: async (s) => {
      const [a] = await pair(s, 1);
      await a.ack("ack, then emit");
      await settle(a);
    },
    differs: "order in a handler",
  },
  "an event, then an acknowledgement": async (s) => {
    const [a] = await pair(s, 1);
    await a.ack("emit, then ack");
    await settle(a);
  },
  "names of built-in events": async (s) => {
    const [a] = await pair(s, 1);
    for (const name of ["join-room", "subscribe", "ping", "send-message", "custom-event", "auth:refresh"])
      a.emit(name, { room: "r", channels: ["c"], token: "t" });
    await a.ack("rooms");
    await settle(a);
  },
  "names of own events": async (s) => {
    const [a] = await pair(s, 1);
    for (const name of ["error", "gap", "recovery", "heartbeat", "connected", "message", "open", "close"])
      a.emit(name, 1);
    await settle(a);
    await a.ack("seen");
  },
  "a name with spaces and signs": async (s) => {
    const [a] = await pair(s, 1);
    a.emit(" a, [b]:{c} \n", 1);
    await a.ack("seen");
  },
  "an empty name": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("", 1);
    await a.ack("seen");
  },
  "a number as name": async (s) => {
    const [a] = await pair(s, 1);
    a.raw("2@[7,8]");
    await settle(a);
  },
  "a reserved name": {
    run: async (s) => {
      const [a] = await pair(s, 1);
      a.raw('2@["disconnect","x"]');
      await a.next("disconnect");
    },
  },
  "catch-all listeners and their order": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("back", 1);
    a.emit("unknown");
    await a.ack("seen");
  },
  "a listener for one event only": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("once");
    a.emit("once");
    await settle(a);
  },
  "two listeners for an event": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("two");
    await settle(a);
  },
  "a middleware of a socket": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("blocked", 1);
    await a.ackWithin(200, "blocked");
    await settle(a);
  },
  "data of a socket": async (s) => {
    const [a, b] = await pair(s);
    await a.ack("count");
    await a.ack("count");
    await b.ack("count");
  },
  "rooms at first": async (s) => {
    const [a] = await pair(s, 1);
    await a.ack("rooms");
    await a.ack("has own room");
  },
  "rooms are joined and left": async (s) => {
    const [a] = await pair(s, 1);
    await a.ack("join", "one");
    await a.ack("join", ["two", "three", "two"]);
    await a.ack("leave", "two");
    await a.ack("leave", "never joined");
    await a.ack("join twice", "four");
    await a.ack("rooms");
  },
  "names of rooms": async (s) => {
    const [a, b] = await pair(s);
    for (const room of ["with space", "ключ", "a,b", "general", "r:1", "auth0|5f7"]) await a.ack("join", room);
    b.emit("in", "a,b", 1);
    b.emit("in", "ключ", 2);
    await settle(b, a);
  },
  "a room of the server's own": {
    run: async (s) => {
      const [a] = await pair(s, 1);
      await a.ackWithin(500, "join", "user:somebody");
    },
    differs: "names of rooms",
  },
  "to a room, without the sender": async (s) => {
    const [a, b, c] = await pair(s, 3);
    await a.ack("join", "r");
    await b.ack("join", "r");
    a.emit("to", "r", 1);
    await settle(a, b, c);
  },
  "to a room of which the sender is no member": async (s) => {
    const [a, b] = await pair(s);
    await b.ack("join", "r");
    a.emit("to", "r", bytes(2));
    await settle(a, b);
  },
  "to two rooms, once each": async (s) => {
    const [a, b, c] = await pair(s, 3);
    await b.ack("join", ["r", "q"]);
    await c.ack("join", "q");
    a.emit("to both", "r", "q", 1);
    await settle(a, b, c);
  },
  "in a room, the sender too": async (s) => {
    const [a, b] = await pair(s);
    await a.ack("join", "r");
    await b.ack("join", "r");
    a.emit("in", "r", { x: 1 });
    await settle(a, b);
  },
  "in an empty room": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("in", "nobody", 1);
    await settle(a);
  },
  "to everyone": async (s) => {
    const [a, b, c] = await pair(s, 3);
    a.emit("all", 1, bytes(1));
    await settle(a, b, c);
  },
  "to all others": async (s) => {
    const [a, b, c] = await pair(s, 3);
    a.emit("others", 1);
    await settle(a, b, c);
  },
  "except a room": async (s) => {
    const [a, b, c] = await pair(s, 3);
    await b.ack("join", "quiet");
    a.emit("except", "quiet", 1);
    await settle(a, b, c);
  },
  "to a room except another": async (s) => {
    const [a, b, c] = await pair(s, 3);
    await b.ack("join", ["r", "quiet"]);
    await c.ack("join", "r");
    a.emit("to except", "r", "quiet", 1);
    await settle(a, b, c);
  },
  "to all others except a room": async (s) => {
    const [a, b, c] = await pair(s, 3);
    await b.ack("join", "quiet");
    a.emit("others except", "quiet", 1);
    await settle(a, b, c);
  },
  "a private message": async (s) => {
    const [a, b, c] = await pair(s, 3);
    a.emit("private", b.socket.id, "psst");
    await settle(a, b, c);
  },
  "a private message to nobody": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("private", "AAAAAAAAAAAAAAAAAAAA", "psst");
    await settle(a);
  },
  "a volatile event": async (s) => {
    const [a] = await pair(s, 1);
    await settle(a);
    a.emit("volatile", 1);
    await s.next(a, "volatile");
  },
  "an event before a room is joined": {
    run: async (s) => {
      const [a] = await pair(s, 1);
      a.emit("emit, then join", "r");
      await settle(a);
    },
    differs: "order in a handler",
  },
  "the server asks a client": async (s) => {
    const [a] = await pair(s, 1);
    a.socket.on("question", (x, y, answer) => answer({ x, y }));
    await a.ack("ask", "question", [1, bytes(2)]);
  },
  "the server asks a room": async (s) => {
    const [a, b] = await pair(s);
    for (const [i, client] of [a, b].entries()) {
      client.socket.on("question", (answer) => answer(i));
      await client.ack("join", "r");
    }
    await a.ack("ask all", "r", 5000);
  },
  "a client of a room does not answer": async (s) => {
    const [a, b] = await pair(s);
    a.socket.on("question", (answer) => answer(1));
    await a.ack("join", "r");
    await b.ack("join", "r");
    await a.ack("ask all", "r", 300);
  },
  "the server disconnects a client": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("kick", false);
    await a.next("disconnect");
  },
  "the server disconnects a client after an acknowledgement": async (s) => {
    const [a] = await pair(s, 1);
    await a.ack("kick", false);
    await a.next("disconnect");
  },
  "the server closes the connection of a client": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("kick", true);
    await a.next("disconnect");
  },
  "an event precedes the disconnect": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("goodbye");
    await a.next("disconnect");
  },
  "events behind a disconnect are not handled": async (s) => {
    const [a, b] = await pair(s);
    a.emit("kick", false);
    a.emit("all", "too late");
    await a.next("disconnect");
    await settle(b);
  },
  "a client disconnects and connects again": async (s) => {
    const [a, b] = await pair(s);
    await a.ack("join", "r");
    const id = a.socket.id;
    a.socket.disconnect();
    await b.next("left"); // behind the hook, the listeners of a disconnect may run later
    a.socket.connect();
    await a.next("connect", 2);
    s.note("a new id", a.socket.id !== id);
    await a.ack("rooms");
    b.emit("in", "r", 1);
    await settle(b, a);
  },
  "a lost connection is a new one": async (s) => {
    const [a] = await pair(s, 1);
    await a.ack("join", "r");
    const id = a.socket.id;
    a.socket.io.engine.close();
    await a.next("connect", 2);
    s.note("a new id", a.socket.id !== id);
    s.note("recovered", a.socket.recovered);
    await a.ack("rooms");
  },
  "a namespace that does not exist": async (s) => {
    const a = await s.open("a", { namespace: "/does-not-exist" });
    await a.next("connect_error");
  },
  "two namespaces on one connection": async (s) => {
    const [a] = await pair(s, 1);
    const b = await s.open("b", { manager: a.socket.io, namespace: "second" });
    await b.next("connect");
    await b.ack("echo", "second");
    b.socket.disconnect();
    await settle(a);
  },
  "a refused namespace leaves the others": async (s) => {
    const [a] = await pair(s, 1);
    const b = await s.open("b", { manager: a.socket.io, namespace: "/does-not-exist" });
    await b.next("connect_error");
    await settle(a);
  },
  "a payload with names of credentials": async (s) => {
    const auth = { token: "of the application", userId: { id: 7 }, username: ["x"], channels: "c", as: [1] };
    const a = await s.join("a", { auth });
    await a.ack("rooms");
  },
  "a query with names of credentials": async (s) => {
    const a = await s.join("a", { query: { token: "t", userId: " ", channels: "general", as: "event" } });
    await a.ack("rooms");
    a.emit("back", 1);
    await settle(a);
  },
  "a client greets": {
    run: async (s) => {
      const a = await s.join("a", { namespace: "greets", auth: { name: "Ada" } });
      const b = await s.join("b", { namespace: "greets" });
      await settle(a, b);
    },
    needs: "connections",
  },
  "others hear that a client leaves": {
    run: async (s) => {
      const [a, b] = await pair(s);
      await settle(a, b);
      await a.ack("join", "r");
      a.socket.disconnect();
      await b.next("left");
      await settle(b);
    },
    needs: "connections",
  },
  "others hear that a connection is lost": {
    run: async (s) => {
      const [a, b] = await pair(s);
      await settle(a, b);
      a.socket.io.reconnection(false);
      a.socket.io.engine.close();
      await b.next("left");
      await settle(b);
    },
    needs: "connections",
  },
  "a middleware refuses with a message": {
    run: async (s) => {
      const a = await s.open("a", { auth: { deny: "not you" } });
      await a.next("connect_error");
    },
    needs: "connect",
  },
  "a middleware refuses with data": {
    run: async (s) => {
      const a = await s.open("a", { auth: { deny: "not you", admin: { code: 7, list: [1] } } });
      await a.next("connect_error");
    },
    needs: "connect",
  },
};

/** Scenarios for one transport. */
export const SINGLE = {
  "11 binary values": { run: async (s) => {
    const [a] = await pair(s, 1);
    a.raw(`511-@1["echo",${Array.from({ length: 11 }, (_, i) => `{"_placeholder":true,"num":${i}}`)}]`,
      ...Array.from({ length: 11 }, () => bytes(1)));
    s.note("then", await s.disconnectOrAck(a, "sync"));
  }, differs: "attachments" },
  "a packet that is too large": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("echo", "x".repeat(1_100_000));
    await a.next("disconnect");
    await a.next("connect", 2);
    await settle(a);
  },
  "a packet that is no packet": async (s) => {
    const [a] = await pair(s, 1);
    a.raw("9");
    await a.next("disconnect");
  },
  "a packet with invalid JSON": async (s) => {
    const [a] = await pair(s, 1);
    a.raw('2@["unfinished');
    await a.next("disconnect");
  },
  "an attachment without a packet": async (s) => {
    const [a] = await pair(s, 1);
    a.raw(bytes(3));
    await a.next("disconnect");
  },
  "an acknowledgement that nobody asked for": async (s) => {
    const [a] = await pair(s, 1);
    a.raw("3@7[1]");
    await settle(a);
  },
  "CONNECT twice": async (s) => {
    const [a] = await pair(s, 1);
    a.raw("0@");
    await a.next("disconnect");
  },
};

/** Scenarios with connection state recovery. */
export const RECOVERY = {
  "events end with an offset": async (s) => {
    const [a, b] = await pair(s);
    await a.ack("join", "r");
    a.emit("back", 1);
    await settle(a);
    b.emit("in", "r", { x: 1 });
    await settle(b, a);
    await a.ack("echo", "acknowledgements do not");
  },
  "a volatile event and the offset": {
    run: async (s) => {
      const [a] = await pair(s, 1);
      a.emit("volatile", 1);
      await s.next(a, "volatile");
    },
    differs: "offset of volatile events",
  },
  "a client recovers rooms, data and what it missed": {
    run: async (s) => {
    const [a, b] = await pair(s);
    await a.ack("join", ["r", "q"]);
    await a.ack("count");
    b.emit("in", "r", "before");
    await settle(b, a);
    const id = a.socket.id;
    a.pause();
    await b.away(a);
    b.emit("in", "r", "missed", bytes(3));
    b.emit("all", "missed, too");
    await settle(b);
    a.resume();
    await a.next("connect", 2);
    s.note("the same id", a.socket.id === id);
    s.note("recovered", a.socket.recovered);
    await a.ack("rooms");
    await a.ack("count");
    },
    differs: "order of a recovery",
  },
  "a client that left does not recover": async (s) => {
    const [a, b] = await pair(s);
    await a.ack("join", "r");
    b.emit("in", "r", 1);
    await settle(b, a);
    a.socket.disconnect();
    b.emit("in", "r", "missed");
    await settle(b);
    await b.next("left");
    a.socket.connect();
    await a.next("connect", 2);
    s.note("recovered", a.socket.recovered);
    await a.ack("rooms");
  },
  "a client that the server disconnected does not recover": async (s) => {
    const [a] = await pair(s, 1);
    await a.ack("join", "r");
    a.emit("back", 1);
    a.emit("kick", false);
    await a.next("disconnect");
    a.socket.connect();
    await a.next("connect", 2);
    s.note("recovered", a.socket.recovered);
    await a.ack("rooms");
  },
  "an unknown session": async (s) => {
    const [a] = await pair(s, 1);
    a.emit("back", 1);
    await settle(a);
    a.socket._pid = "AAAAAAAAAAAAAAAAAAAA";
    a.socket.io.engine.close();
    await a.next("connect", 2);
    s.note("recovered", a.socket.recovered);
    await a.ack("rooms");
  },
};
