package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestReadStream(t *testing.T) {
	var got []string
	err := readStream(strings.NewReader("\xEF\xBB\xBFretry: 1500\n\n: comment\nid: 5f3a9c01-1\n"+
		"event: a\ndata: {\"x\":1}\n\n"+
		"data: one\r\ndata:two\r\n\r\nevent: nothing\n\nid: a\x00b\ndata\n\nunknown: x\ndata: "+
		"1\n\ndata: cut"),
		func(d time.Duration) { got = append(got, d.String()) },
		func(ev event) error {
			got = append(got, fmt.Sprintf("%s|%s|%s", ev.Name, ev.ID, ev.Data))
			return nil
		})
	want := []string{
		"1.5s", `a|5f3a9c01-1|{"x":1}`, `message||"one\ntwo"`, `message||""`, "message||1",
	}
	if !errors.Is(err, errLost) || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q %v", got, err)
	}
	if err := readStream(strings.NewReader("data: "+strings.Repeat("x", maxLine)), nil,
		nil); err == nil || errors.Is(err, errLost) {
		t.Errorf("an endless line: %v", err)
	}
}

func TestReadEvent(t *testing.T) {
	for text, want := range map[string]string{
		`["a"]`:                      "a||",
		`["a",{"b":1},"5f3a9c01-7"]`: `a|5f3a9c01-7|{"b":1}`,
		`["a",1,"x"]`:                `a||[1,"x"]`,
		`["a","5f3a9c01-"]`:          `a||"5f3a9c01-"`,
		`["a",1,"1764201600000-3"]`:  `a|1764201600000-3|1`,
		`[]`:                         "error",
		`[1]`:                        "error",
		`{`:                          "error",
	} {
		ev, err := readEvent([]byte(text))
		got := fmt.Sprintf("%s|%s|%s", ev.Name, ev.ID, ev.Data)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func FuzzReadStream(f *testing.F) {
	f.Add("id: 5f3a9c01-1\nevent: a\ndata: {}\n\n")
	f.Add("data\r\n\r\nretry: 99999999999\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		_ = readStream(strings.NewReader(text), func(d time.Duration) {
			if d < 0 {
				t.Errorf("retry %s", d)
			}
		}, func(ev event) error {
			if !json.Valid(ev.Data) || ev.Name == "" {
				t.Errorf("%+v", ev)
			}
			return nil
		})
	})
}

func FuzzReadEvent(f *testing.F) {
	f.Add(`["a",{"b":1},"5f3a9c01-7"]`)
	f.Add(`[null,null]`)
	f.Fuzz(func(t *testing.T, text string) {
		ev, err := readEvent([]byte(text))
		if err == nil && len(ev.Data) > 0 && !json.Valid(ev.Data) {
			t.Errorf("%+v", ev)
		}
	})
}

// No text from a server reaches the terminal as a control sequence.
func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"Grüße, 世界 🙂":      "Grüße, 世界 🙂",
		"a\x1b[2Jb":        `a\u001b[2Jb`,
		"\u202egnp.exe":    `\u202egnp.exe`,
		"\r\u009b":         `\u000d\u009b`,
		"\U000e0041":       `\U000e0041`,
		"two\nlines of us": "two\nlines of us",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
