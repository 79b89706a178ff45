// Package redisstream shares the state of several nodes through Redis or Valkey.
//
// A [Client] sends the commands of everything else. It refuses a server that evicts, never repeats a
// command whose outcome is unknown, and ends every call after [Timeout]; only the goroutines that read
// the stream wait longer, for what is large. All keys of one stream are in one hash slot, so one server
// of a Redis Cluster has them.
//
//   - A [Log] is the log of all nodes, a stream in the format of Node's adapter: nodes and Socket.IO
//     servers for Node have one order.
//   - [Client.Sessions] are the records of Node's adapter, which have keys of their own. They are in any
//     slot, and no script touches them.
//   - A [Bus] has the list of nodes, and messages between them. Its [Presence] counts who is where.
//   - [Channels] carry the calls between Socket.IO servers, see package peers.
//   - An [Ingest] exchanges messages with emitters, and with servers that are not in the cluster.
//   - [Client.KV] and [Client.Tickets] are values that expire.
//
// With the package, go-redis logs nothing in the whole program: its messages can have what a
// command contains.
package redisstream
