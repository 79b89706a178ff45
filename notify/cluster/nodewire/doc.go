// Package nodewire translates between messages of the Hub and what the Redis adapters of Socket.IO
// for Node write. It does no I/O.
//
// An [Entry] is what one server says to the others. It travels in one of four media:
//
//   - [Fields], an entry of the stream of @socket.io/redis-streams-adapter: [Decode], Entry.Fields;
//   - a map, published by the same adapter for requests and responses: [DecodeMap],
//     Entry.AppendMap;
//   - an array, published by @socket.io/redis-adapter and @socket.io/redis-emitter for events:
//     [DecodeArray], Entry.AppendArray;
//   - a request or response, published by the same two: [DecodeRequest], [DecodeResponse] and their
//     inverses.
//
// A message of a Roomcast node is an entry that Node understands, with one more field, rc, which
// Node ignores. It has what Node does not know, so that Roomcast nodes read back the same message.
//
// A body that Node cannot process, such as {}, stops every Node server that reads the stream: the
// server throws, and reads the entry again for ever. So encoding checks everything that Node relies
// on. Decoding is bounded, and its errors say whether an entry is damaged, a [*SkipError], or not
// for members, [ErrIgnored].
package nodewire
