package api

import (
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

func emissionObject(target *object) *object {
	return &object{Name: "Emission",
		Doc: "An event with bare arguments. It needs either room or target.",
		Fields: []field{
			{
				Name: "room", Doc: "a room of the namespace, or the id of a client",
				Schema: nameSchema(rooms.MaxName),
			},
			{
				Name:   "target",
				Doc:    "users, channels or clients of the namespace, or all",
				Schema: objectRef(target),
			},
			{
				Name: "namespace", Doc: "the default is /; EventSource streams are in / only",
				Schema: orNull(schema{"type": "string", "maxLength": rooms.MaxNamespace}),
			},
			{
				Name: "event", Required: true, Schema: textSchema(notify.MaxEventName),
				Doc: "the event name, any that Socket.IO does not reserve",
			},
			{
				Name: "args",
				Doc: `the arguments, up to 1,000,000 bytes; the default is []. An object ` +
					`{"$binary":"<base64>"} in them is a binary value: Socket.IO clients get an ` +
					`attachment, EventSource streams the base64 text`,
				Schema: orNull(schema{"type": "array"}),
			},
			{
				Name: "except", Doc: "rooms and client ids that do not receive it",
				Schema: orNull(listUpTo(notify.MaxTargets, nameSchema(rooms.MaxName))),
			},
			{
				Name: "volatile",
				Doc: "deliver it only to connections that keep up; it is not stored, cannot be " +
					"replayed and has no id",
				Schema: orNull(boolSchema()),
			},
		}}
}

func acksObject() *object {
	ack := schema{"type": "object", "required": []any{"client", "args"}, "properties": schema{
		"client": plainText(), "args": schema{"type": "array"}}}
	return &object{Name: "Acks", Doc: "The acknowledgements of an emit with wait=ack.",
		Fields: []field{
			{
				Name: "acks", Required: true, Schema: listOf(ack),
				Doc: "the client ids, empty for clients of other nodes, and the arguments of their " +
					`acknowledgements, with {"$binary":"<base64>"} for a binary value`,
			},
			{
				Name: "missing", Required: true, Schema: listOf(plainText()),
				Doc: "the client ids without an acknowledgement",
			},
			{
				Name: "timedOut", Required: true, Schema: boolSchema(),
				Doc: "whether the time was over before all clients had answered, or acknowledgements of " +
					"clients of other nodes are missing, also because these could not be asked",
			},
		}}
}
