package strictjson

import (
	"encoding/json"
	"hash/maphash"
	"math/bits"
	"slices"
)

// key is the position of a key without its quotes: in the text or, for a key with escapes, in
// scanner.names.
type key struct {
	from, to int32
	decoded  bool
}

// few is the number of keys that addKey compares with each other. compareKeys hashes the keys of
// objects with more keys, at the end of the object.
const few = 8

// addKey adds the key with quotes from i to end to the innermost object.
func (s *scanner) addKey(i, end int, escaped bool) {
	if s.fault != nil {
		return
	}
	k := key{from: int32(i + 1), to: int32(end - 1)}
	if escaped {
		k = s.decode(s.text[i:end])
	}
	first := s.levels[len(s.levels)-1].keys
	if s.rules.DuplicateKeys {
		s.keys = append(s.keys[:first], k) // for the path of an error
		return
	}
	s.keys = append(s.keys, k)
	if before := s.keys[first : len(s.keys)-1]; len(before) < few {
		name := s.name(k)
		for _, other := range before {
			if string(s.name(other)) == string(name) {
				s.broken(duplicate(name))
				return
			}
		}
	}
}

// decode decodes a key with escapes into names: "\u0061" and "a" are the same key.
func (s *scanner) decode(quoted []byte) key {
	var name string
	_ = json.Unmarshal(quoted, &name) // has no error: quoted is valid
	from := len(s.names)
	s.names = append(s.names, name...)
	return key{int32(from), int32(len(s.names)), true}
}

func (s *scanner) name(k key) []byte {
	if k.decoded {
		return s.names[k.from:k.to]
	}
	return s.text[k.from:k.to]
}

// seed is random, so that clients cannot choose keys with the same hash.
var seed = maphash.MakeSeed()

// compareKeys searches for the first duplicate key in the innermost object, if that has more than a
// few keys.
func (s *scanner) compareKeys() {
	first := s.levels[len(s.levels)-1].keys
	keys := s.keys[first:]
	if len(keys) <= few || s.fault != nil {
		return
	}
	size := 1 << bits.Len(uint(2*len(keys)))
	s.table = slices.Grow(s.table[:0], size)[:size]
	clear(s.table)
	for n, k := range keys {
		name := s.name(k)
		for at := maphash.Bytes(seed, name); ; at++ {
			place := &s.table[at&uint64(size-1)]
			if *place == 0 {
				*place = int32(n + 1)
				break
			}
			if string(s.name(keys[*place-1])) == string(name) {
				s.keys = s.keys[:first+n+1] // the path of the error ends with this key
				s.broken(duplicate(name))
				return
			}
		}
	}
}
