package strictjson

import (
	"os"
	"strings"
	"testing"
	"time"
)

// hostile is 64 KB of JSON in forms that are expensive to check. Depth 32 and 4,096 values are the
// rules for packets of clients.
var hostile = map[string]string{
	"deep":       strings.Repeat("[", 32<<10) + strings.Repeat("]", 32<<10),
	"objects":    strings.Repeat(`{"a":`, 12<<10) + "1" + strings.Repeat("}", 12<<10),
	"at depth":   strings.Repeat("[", 31) + strings.Repeat("[],", 21<<10) + "1" + strings.Repeat("]", 31),
	"many":       "[" + strings.Repeat("1,", 32<<10) + "1]",
	"long keys":  `{` + strings.Repeat(`"`+strings.Repeat("k", 30)+`":1,`, 1800) + `"k":1}`,
	"escapes":    `["` + strings.Repeat(`\u00e9`, 10<<10) + `"]`,
	"surrogates": `["` + strings.Repeat(`\ud83d\ude00`, 5<<10) + `"]`,
	"text":       `["` + strings.Repeat("é", 32<<10) + `"]`,
	"spaces":     "[" + strings.Repeat(" ", 64<<10) + "1]",
	"digits":     "[" + strings.Repeat("1", 64<<10) + "]",
}

var packetLike = Rules{Depth: 32, Values: 4096, DuplicateKeys: true}

// The check of 64 KB takes less than a millisecond, whatever it has. The time counts in make soak
// only, on a machine that is not busy; the short form is that nothing is refused or accepted wrongly.
func TestHostileInputIsChecked(t *testing.T) {
	t.Parallel()
	refused := map[string]bool{"deep": true, "objects": true, "at depth": true, "many": true}
	for name, text := range hostile {
		best := time.Hour
		for range 20 {
			start := time.Now()
			_, err := Split([]byte(text), packetLike)
			best = min(best, time.Since(start))
			if refused[name] != (err != nil) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		t.Logf("%s: %d KB in %v", name, len(text)>>10, best)
		if most := time.Millisecond; os.Getenv("ROOMCAST_SOAK") != "" && best > most {
			t.Errorf("%s: %v, want at most %v", name, best, most)
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, text := range hostile {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				_, _ = Split([]byte(text), packetLike)
			}
		})
	}
}
