// Package msgpack translates between JSON and MessagePack, in the dialect of the JavaScript package
// notepack.io, which socket.io-msgpack-parser uses.
//
// The text of a value is what JSON.stringify of JavaScript makes of the value that notepack.io
// decodes: a Date is its string, NaN is null, a member that is undefined is left out. Binary
// values, which JSON does not have, are the attachments of Socket.IO: {"_placeholder":true,"num":0}
// in the text. With Limits.Timestamps it reads the dialect of notepack.io 3 and of
// @msgpack/msgpack, which the Redis adapters of Socket.IO use, too.
package msgpack

import "errors"

// Errors of a Reader.
var (
	ErrTruncated = errors.New("msgpack: the value is longer than the message")
	ErrTooDeep   = errors.New("msgpack: too many levels of arrays and maps")
	ErrTooMany   = errors.New("msgpack: too many values")
	ErrTooLarge  = errors.New("msgpack: too long as JSON")
	ErrKey       = errors.New("msgpack: the key of a map is not a string")
	ErrText      = errors.New("msgpack: a string is not UTF-8")
	ErrType      = errors.New("msgpack: a value has another type than expected")
	ErrFormat    = errors.New("msgpack: the byte 0xc1 begins no value")
	ErrBinary    = errors.New("msgpack: too many binary values")
)

// The first bytes of values. The names are those of the specification.
const (
	fixMap = 0x80 + iota*0x10
	fixArray
	fixStr
)

const (
	codeNil   = 0xc0
	codeFalse = 0xc2 + iota - 1
	codeTrue
	codeBin8
	codeBin16
	codeBin32
	codeExt8
	codeExt16
	codeExt32
	codeFloat32
	codeFloat64
	codeUint8
	codeUint16
	codeUint32
	codeUint64
	codeInt8
	codeInt16
	codeInt32
	codeInt64
	codeFixExt1
	codeFixExt2
	codeFixExt4
	codeFixExt8
	codeFixExt16
	codeStr8
	codeStr16
	codeStr32
	codeArray16
	codeArray32
	codeMap16
	codeMap32
	negativeFix
)
