package pywire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// recorded is one line of a file in testdata; README.md there says what it means.
type recorded struct {
	Call, Text, Hex, Packet string
	Protocol                int
	Attachments             []string
}

func (r recorded) payload(t testing.TB) []byte {
	t.Helper()
	if r.Hex == "" {
		return []byte(r.Text)
	}
	raw, err := hex.DecodeString(r.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func recordings(t testing.TB, name string) (lines []recorded) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(bytes.NewReader(text))
	for s.Buffer(nil, len(text)); s.Scan(); {
		var r recorded
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, r)
	}
	if len(lines) == 0 {
		t.Fatalf("%s has no lines", name)
	}
	return lines
}

// said returns what an entry says, in one line.
func said(e *nodewire.Entry) string {
	text := fmt.Sprintf("%d %s to %q", e.Type, e.Namespace, e.Opts.Rooms)
	if e.Opts.Except != nil {
		text += fmt.Sprintf(" except %q", e.Opts.Except)
	}
	if e.Rooms != nil {
		text += fmt.Sprintf(" rooms %q", e.Rooms)
	}
	if e.Packet.JSON != nil {
		text += " " + string(e.Packet.JSON)
	}
	for _, a := range e.Packet.Attachments {
		text += fmt.Sprintf(" %q", a)
	}
	return text
}

var x300, y300 = strings.Repeat("x", 300), strings.Repeat("y", 300)

// calls has what each recorded call says.
var calls = map[string]string{
	`emit('e', 'x')`:            `3 / to [] ["e","x"]`,
	`emit('e', None)`:           `3 / to [] ["e"]`,
	`emit('e', ('a', 1, None))`: `3 / to [] ["e","a",1,null]`,
	`emit('e', ())`:             `3 / to [] ["e"]`,
	`emit('e', ['a', 1])`:       `3 / to [] ["e",["a",1]]`,
	`emit('e', [None])`:         `3 / to [] ["e",[null]]`,
	`emit('e', {'a': [True, False, None, -1, 255, 256, 65536, -2147483649, 2**63, -2**80, 1.5, 1e300, 'é\u2028']})`: `3 / to [] ` +
		`["e",{"a":[true,false,null,-1,255,256,65536,-2147483649,9223372036854775808,` +
		`-1208925819614629174706176,1.5,1e+300,"é\u2028"]}]`,
	`emit('e', {'t': (1, (2,)), 'l': [[], {}, ()]})`: `3 / to [] ["e",{"t":[1,[2]],"l":[[],{},[]]}]`,
	`emit('e', b'xy')`: `3 / to [] ["e",{"_placeholder":true,"num":0}] "xy"`,
	`emit('e', (b'x', {'a': [b'y']}))`: `3 / to [] ["e",{"_placeholder":true,"num":0},` +
		`{"a":[{"_placeholder":true,"num":1}]}] "x" "y"`,
	`emit('e', [b'x', 'y'])`: `3 / to [] ["e",[{"_placeholder":true,"num":0},"y"]] "x"`,
	`emit('e', {'a': b'x' * 300, 'b': 'y' * 300})`: `3 / to [] ["e",{"a":{"_placeholder":true,"num":0},` +
		`"b":"` + y300 + `"}] "` + x300 + `"`,
	`emit('e', {1: 'int', None: 'none', True: 'bool'})`: `3 / to [] ["e",{"1":"bool","null":"none"}]`,
	`emit('e', 1, room='R')`:                            `3 / to ["R"] ["e",1]`,
	`emit('e', 1, room=['R', 'S'])`:                     `3 / to ["R" "S"] ["e",1]`,
	`emit('e', 1, room=7)`:                              `3 / to ["7"] ["e",1]`,
	`emit('e', 1, namespace='/n', room='R', skip_sid='lg4Zsrt2xiMBSzCuAAAB')`: `3 /n to ["R"] ` +
		`except ["lg4Zsrt2xiMBSzCuAAAB"] ["e",1]`,
	`emit('e', 1, skip_sid=['lg4Zsrt2xiMBSzCuAAAB', 'kZ0XGRB5pBpZbPdCAAAD'])`: `3 / to [] ` +
		`except ["lg4Zsrt2xiMBSzCuAAAB" "kZ0XGRB5pBpZbPdCAAAD"] ["e",1]`,
	`disconnect('lg4Zsrt2xiMBSzCuAAAB')`:                 `6 / to ["lg4Zsrt2xiMBSzCuAAAB"]`,
	`disconnect('lg4Zsrt2xiMBSzCuAAAB', namespace='/n')`: `6 /n to ["lg4Zsrt2xiMBSzCuAAAB"]`,
	`enter_room('lg4Zsrt2xiMBSzCuAAAB', '/', 'R')`:       `4 / to ["lg4Zsrt2xiMBSzCuAAAB"] rooms ["R"]`,
	`leave_room('lg4Zsrt2xiMBSzCuAAAB', '/', 'R')`:       `5 / to ["lg4Zsrt2xiMBSzCuAAAB"] rooms ["R"]`,
	`close_room('R')`:                 `5 / to ["R"] rooms ["R"]`,
	`close_room('R', namespace='/n')`: `5 /n to ["R"] rooms ["R"]`,
}

// unlike has what a version says in another way: JSON has no tuples, and a list may be the arguments.
var unlike = map[string]map[string]string{
	"5.14.0": {
		`emit('e', ('a', 1, None))`: `3 / to [] ["e",["a",1,null]]`,
		`emit('e', ())`:             `3 / to [] ["e",[]]`,
	},
	"5.14.3": {
		`emit('e', ['a', 1])`:    `3 / to [] ["e","a",1]`,
		`emit('e', [None])`:      `3 / to [] ["e"]`,
		`emit('e', [b'x', 'y'])`: `3 / to [] ["e",{"_placeholder":true,"num":0},"y"] "x"`,
	},
}

// What each version of python-socketio publishes is what its call says.
func TestManagers(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, version := range []string{"5.7.2", "5.13.0", "5.14.0", "5.14.3", "5.16.3"} {
		for _, r := range recordings(t, "managers-"+version) {
			seen[r.Call] = true
			want, ok := unlike[version][r.Call]
			if !ok {
				want = calls[r.Call]
			}
			e, err := Decode(r.payload(t))
			if err != nil {
				t.Errorf("%s: %s: %v", version, r.Call, err)
				continue
			}
			if got := said(e); got != want {
				t.Errorf("%s: %s\n got %s\nwant %s", version, r.Call, got, want)
			}
			e.UID = "emitter"
			if _, err := e.Fields(); err != nil {
				t.Errorf("%s: %s: %v", version, r.Call, err)
			}
		}
	}
	for call := range calls {
		if !seen[call] {
			t.Errorf("%s is not recorded", call)
		}
	}
}

// Values that Python pickled, in all protocols, are the packets that Python makes of them.
func TestPickles(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t, "pickles") {
		e, err := Decode(r.payload(t))
		if err != nil {
			t.Errorf("protocol %d, %.200s: %v", r.Protocol, r.Packet, err)
			continue
		}
		checkPacket(t, e, r.Packet, r.Attachments)
	}
}

// checkPacket compares a packet with its JSON and its binary values.
func checkPacket(t rapid.TB, e *nodewire.Entry, packet string, attachments []string) {
	t.Helper()
	if got, want := parsed(t, e.Packet.JSON), parsed(t, []byte(packet)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %.400s\nwant %.400s", e.Packet.JSON, packet)
	}
	if len(e.Packet.Attachments) != len(attachments) {
		t.Fatalf("%d binary values, want %d", len(e.Packet.Attachments), len(attachments))
	}
	for i, a := range e.Packet.Attachments {
		if hex.EncodeToString(a) != attachments[i] {
			t.Errorf("binary value %d: %x, want %s", i, a, attachments[i])
		}
	}
}

// parsed returns a value of JSON in which equal numbers are equal.
func parsed(t rapid.TB, text []byte) (value any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	return withNumbers(value)
}

func withNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		n, _ := new(big.Rat).SetString(string(v))
		return n.RatString()
	case []any:
		for i := range v {
			v[i] = withNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = withNumbers(v[key])
		}
	}
	return value
}

func isSkipped(err error) bool {
	var fault *nodewire.SkipError
	return errors.As(err, &fault)
}
