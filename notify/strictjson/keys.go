package strictjson

import (
	"encoding/json"
	"hash/maphash"
	"math/bits"
	"slices"
)

// key is a key of an open object, without quotes: a place in the text or, when it was escaped
// there, in scanner.names.
type key struct {
	from, to int32
	decoded  bool
}

// few is up to how many keys each is compared with those before it. The keys of larger objects are
// hashed at the end of the object.
const few = 8

// addKey notes the key in quotes from i to end in the innermost object.
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

// decode appends an escaped key to names: "\u0061" and "a" are the same key.
func (s *scanner) decode(quoted []byte) key {
	var name string
	_ = json.Unmarshal(quoted, &name) // a valid string; half a surrogate pair becomes U+FFFD
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

// seed makes it impossible to choose keys that hash to the same place.
var seed = maphash.MakeSeed()

// compareKeys looks for the first duplicate in the innermost object, when that has more than a few
// keys.
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
				s.keys = s.keys[:first+n+1] // the path ends with it
				s.broken(duplicate(name))
				return
			}
		}
	}
}
