// Package redisstream shares the state of several nodes through Redis or Valkey.
//
// A [Client] is the connection that everything else stands on. It checks that the server does not
// evict, never repeats a command whose outcome is unknown, and ends every call after [Timeout]. All
// keys of one stream are in one hash slot, so one server of a Redis Cluster has them.
//
// A [Log] is the log of all nodes. It is a stream in the format of Node's adapter, so that nodes and
// Socket.IO servers for Node have one order.
//
// [Client.Sessions] has the records of Node's adapter, which have keys of their own. They are in any
// slot, and no script touches them.
//
// With the package, go-redis logs nothing in the whole program: its messages can have what a
// command contains.
package redisstream
