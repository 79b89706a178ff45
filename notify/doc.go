// Package notify is the hub between those who publish notifications and the connections that get them, live or replayed,
// from one log in one order.
//
// A Hub has three kinds of users, and each needs a part of it only.
//
// # Publishers
//
// [Hub.Publish] takes a [Notification], or a kind of package catalogue, and a [Target], and returns a [Receipt].
// [Hub.Send] leaves the target to the kind. [Hub.SendToUser], [Hub.SendToChannel], [Hub.SendToClient] and
// [Hub.Broadcast] are Publish with an answer of one word. [Hub.PublishBatch] stores several in one step. [Except],
// [TTL] and [Volatile] are options of all but the batch, whose notifications have fields for them.
//
// # Transports
//
// [Hub.Attach] makes a [Member] of a connection. The member is woken when there is something for it, pulls the next
// [Delivery] values as fast as its client reads, and is detached in the end: [Member.Pull], [Member.Cursor],
// [Member.Detach]. A [Message] keeps one [Frame] for each [Slot], which all members share. [Hub.Session] returns what
// a client left behind, [Hub.JoinChannels] and [Hub.LeaveChannels] do what it asks for, [Hub.Say] says something in
// its name, and [Hub.Deliver] takes a message that a transport has built itself.
//
// # Views
//
// [Hub.Stats], [Hub.Members], [Hub.Member], [Hub.Match] and [Hub.ConnectionsOf] show who is connected, and
// [Member.Status] how one connection does. [Hub.History] reads what rooms keep. [Hub.OnAttach] and [Hub.OnDetach] are
// told of every connection.
//
// # Storage
//
// A Hub delivers by following a [Log], which gives every message its [ID]. [MemoryLog] is the one of a single node;
// package logtest tests others.
package notify
