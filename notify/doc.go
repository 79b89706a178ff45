// Package notify is the hub between publishers of notifications and the connections that get them,
// live or replayed, from one log in one order.
//
// A Hub has three kinds of users. Each needs one part of it.
//
// # Publishers
//
// [Hub.Publish] takes a [Notification], or a kind of package catalogue, and a [Target], and returns
// a [Receipt]. [Hub.Send] leaves the target to the kind. [Hub.SendToUser], [Hub.SendToChannel],
// [Hub.SendToClient] and [Hub.Broadcast] are Publish with a shorter result. [Hub.PublishBatch]
// stores several notifications in one step. [Except], [TTL] and [Volatile] are options of all of
// them except the batch, whose notifications have fields instead.
//
// # Transports
//
// [Hub.Attach] creates a [Member] for a connection. The Hub wakes the member's transport, which
// pulls [Delivery] values as fast as the client reads and detaches the member at the end:
// [Member.Pull], [Member.Cursor], [Member.Detach]. A [Message] keeps one [Frame] for each [Slot],
// which all members share. [Hub.ResumeSession] returns the session of an earlier connection,
// [Hub.JoinChannels] and [Hub.LeaveChannels] change the channels of a client, [Hub.Say] publishes a
// client's message, and [Hub.Deliver] publishes a message that a transport has built.
//
// # Views
//
// [Hub.Stats], [Hub.Members], [Hub.Member], [Hub.Match] and [Hub.ConnectionsOf] show the
// connections, and [Member.Status] the state of one. [Hub.History] returns the messages that rooms
// keep. [Hub.OnAttach] and [Hub.OnDetach] add hooks for every connection.
//
// # Storage
//
// A Hub follows a [Log], which assigns the [ID] of every message. [MemoryLog] is the log of a
// single node. [SessionStore] keeps the sessions for the next process, [SharedSessions] for all nodes
// of a [Cluster]. Package logtest tests implementations.
package notify
