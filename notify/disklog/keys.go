package disklog

import "encoding/binary"

// The keys of the store, binary, big endian:
//
//	m/format                 version of this layout, 4 bytes
//	m/epoch                  epoch of the ids, 4 bytes
//	m/floor                  every message up to this sequence number is dropped, 8 bytes
//	m/open                   exists while a process has the store open
//	l/<seq>                  entry
//	h/<length><room><seq>    exists when the message is in the hub room
//	c/<seq>                  chunk of entries that ends with seq
//	p/<seq>                  rooms with a large part of the chunk
//	f/<length><room>         every message of the hub room up to this sequence number is dropped
//	s/<key>                  session, JSON
//	r/<length><room><type>   retained message: its epoch and sequence number, and its entry
//	i/<api key hash>/<key>   answer to a request with an Idempotency-Key, after its expiry
//	t/<expiry><sha256>       ticket: Unix time in milliseconds, 8 bytes, and the digest; JSON
//	w/<queue>/<n>            event of a queue; n is 0 for the number of those that are lost
var (
	keyFormat = []byte("m/format")
	keyEpoch  = []byte("m/epoch")
	keyFloor  = []byte("m/floor")
	keyOpen   = []byte("m/open")
)

const (
	logPrefix   = "l/"
	roomPrefix  = "h/"
	chunkPrefix = "c/"
	notePrefix  = "p/"
	floorPrefix = "f/"

	sessionPrefix  = "s/"
	retainedPrefix = "r/"
	valuePrefix    = "i/"
	ticketPrefix   = "t/"
	queuePrefix    = "w/"
)

func logKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte(logPrefix), seq) }

func chunkKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte(chunkPrefix), seq) }

func noteKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte(notePrefix), seq) }

func floorKey(room string) []byte { return keyOfRoom(floorPrefix, room, 0) }

// roomOf returns the room of a key of keyOfRoom that has nothing after it.
func roomOf(key []byte) string { return string(key[min(len(floorPrefix)+4, len(key)):]) }

// roomKey returns the key of a message in a room. The length comes first, so that the keys of one
// room are neighbours whatever bytes its name has.
func roomKey(room string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(keyOfRoom(roomPrefix, room, 8), seq)
}

// retainedKey returns the key of the retained message of a type in a room.
func retainedKey(room, kind string) []byte {
	return append(keyOfRoom(retainedPrefix, room, len(kind)), kind...)
}

// keyOfRoom returns the begin of a key, with capacity for the rest.
func keyOfRoom(prefix, room string, rest int) []byte {
	key := make([]byte, 0, len(prefix)+4+len(room)+rest)
	key = binary.BigEndian.AppendUint32(append(key, prefix...), uint32(len(room)))
	return append(key, room...)
}

// seqOf returns the sequence number at the end of a key.
func seqOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }
