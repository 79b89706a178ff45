package pywire

// The opcodes of pickles that build the values of this package, with their names in Python's
// module pickletools.
const (
	opProto = 0x80
	opFrame = 0x95
	opStop  = '.'

	opNone          = 'N'
	opNewTrue       = 0x88
	opNewFalse      = 0x89
	opBinInt        = 'J'
	opBinInt1       = 'K'
	opBinInt2       = 'M'
	opLong1         = 0x8a
	opLong4         = 0x8b
	opBinFloat      = 'G'
	opShortUnicode  = 0x8c
	opBinUnicode    = 'X'
	opBinUnicode8   = 0x8d
	opShortBinBytes = 'C'
	opBinBytes      = 'B'
	opBinBytes8     = 0x8e

	opMark       = '('
	opEmptyList  = ']'
	opAppend     = 'a'
	opAppends    = 'e'
	opEmptyTuple = ')'
	opTuple1     = 0x85
	opTuple2     = 0x86
	opTuple3     = 0x87
	opTuple      = 't'
	opEmptyDict  = '}'
	opSetItem    = 's'
	opSetItems   = 'u'

	opBinPut     = 'q'
	opLongBinPut = 'r'
	opMemoize    = 0x94
	opBinGet     = 'h'
	opLongBinGet = 'j'
)

// objectOpcodes find a class or function by its name, call it, or build what is none of the types of
// JSON: GLOBAL, STACK_GLOBAL, INST, OBJ, REDUCE, BUILD, NEWOBJ, NEWOBJ_EX, PERSID, BINPERSID, EXT1,
// EXT2, EXT4, EMPTY_SET, ADDITEMS, FROZENSET, BYTEARRAY8, NEXT_BUFFER and READONLY_BUFFER.
const objectOpcodes = "c\x93ioRb\x81\x92PQ\x82\x83\x84\x8f\x90\x91\x96\x97\x98"
