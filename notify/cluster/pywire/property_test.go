package pywire

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawn is a value in two forms: for pickle_values.py, and as the JSON of a packet.
type drawn struct {
	script any
	packet string
}

// drawing draws a value. Its binary values are appended to a list.
type drawing struct {
	t         *rapid.T
	binary    [][]byte
	hasTuples bool
}

func (d *drawing) value(depth int) drawn {
	most := 8
	if depth == 4 {
		most = 5
	}
	switch rapid.IntRange(0, most).Draw(d.t, "kind") {
	case 0:
		return drawn{nil, "null"}
	case 1:
		b := rapid.Bool().Draw(d.t, "bool")
		return drawn{b, strconv.FormatBool(b)}
	case 2:
		n := rapid.StringMatching(`-?(0|[1-9][0-9]{0,60})`).Draw(d.t, "int")
		return drawn{map[string]any{"int": n}, n}
	case 3:
		f := strconv.FormatFloat(rapid.Float64().Draw(d.t, "float"), 'g', -1, 64)
		if strings.ContainsAny(f, "IN") {
			f = "1.5"
		}
		return drawn{map[string]any{"float": f}, f}
	case 4:
		s := d.text()
		return drawn{s, quoted(s)}
	case 5:
		if len(d.binary) == 10 {
			return drawn{nil, "null"}
		}
		raw := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(d.t, "bytes")
		d.binary = append(d.binary, raw)
		return drawn{map[string]any{"bytes": hex.EncodeToString(raw)},
			fmt.Sprintf(`{"_placeholder":true,"num":%d}`, len(d.binary)-1)}
	case 6:
		return d.dict(depth)
	}
	return d.list(depth)
}

func (d *drawing) text() string { return rapid.String().Draw(d.t, "text") }

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func (d *drawing) list(depth int) drawn {
	items, texts := []any{}, []string{}
	for range rapid.IntRange(0, 4).Draw(d.t, "length") {
		v := d.value(depth + 1)
		items, texts = append(items, v.script), append(texts, v.packet)
	}
	packet := "[" + strings.Join(texts, ",") + "]"
	if d.hasTuples && rapid.Bool().Draw(d.t, "tuple") {
		return drawn{map[string]any{"tuple": items}, packet}
	}
	return drawn{items, packet}
}

func (d *drawing) dict(depth int) drawn {
	pairs, texts := []any{}, []string{}
	for i := range rapid.IntRange(0, 4).Draw(d.t, "length") {
		key := strconv.Itoa(i) + d.text()
		v := d.value(depth + 1)
		pairs, texts = append(pairs, []any{key, v.script}), append(texts, quoted(key)+":"+v.packet)
	}
	return drawn{map[string]any{"dict": pairs}, "{" + strings.Join(texts, ",") + "}"}
}

func (d *drawing) hexes() (all []string) {
	for _, raw := range d.binary {
		all = append(all, hex.EncodeToString(raw))
	}
	return all
}

// python returns what pickles a value in a protocol, with the Python of this machine.
func python(t *testing.T) func(t rapid.TB, protocol int, value any) []byte {
	t.Helper()
	const name, probe = "python3", "import pickle; assert pickle.HIGHEST_PROTOCOL == 5"
	if err := exec.CommandContext(t.Context(), name, "-c", probe).Run(); err != nil {
		t.Skipf("Python 3.8 or later is not installed: %v", err)
	}
	command := exec.CommandContext(t.Context(), name, "testdata/pickle_values.py", "serve")
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
	})
	lines := bufio.NewReader(out)
	return func(t rapid.TB, protocol int, value any) []byte {
		t.Helper()
		text, err := json.Marshal([]any{protocol, value})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(append(text, '\n')); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		raw, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
}

// What Python pickles, in any protocol, is read as what it was.
func TestPickledByPython(t *testing.T) {
	t.Parallel()
	pickled := python(t)
	rapid.Check(t, func(t *rapid.T) {
		d := &drawing{t: t, hasTuples: true}
		items := []any{}
		packet := `["e"`
		for range rapid.IntRange(0, 3).Draw(t, "arguments") {
			v := d.value(0)
			items, packet = append(items, v.script), packet+","+v.packet
		}
		least := minProtocol
		if len(d.binary) > 0 { // protocol 2 pickles bytes as the call of a function
			least++
		}
		payload := pickled(t, rapid.IntRange(least, maxProtocol).Draw(t, "protocol"), map[string]any{"tuple": items})
		e, err := Decode(payload)
		if err != nil {
			t.Fatalf("%x: %v", payload, err)
		}
		checkPacket(t, e, packet+"]", d.hexes())
		cut := payload[:rapid.IntRange(0, len(payload)-1).Draw(t, "cut")]
		if _, err := Decode(cut); !isSkipped(err) {
			t.Fatalf("%x: %v", cut, err)
		}
	})
}

// Several arguments in JSON, with binary values, are read as what they were.
func TestJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &drawing{t: t}
		v := d.list(0)
		parts := []string{v.packet}
		for _, raw := range d.binary {
			parts = append(parts, quoted(base64.StdEncoding.EncodeToString(raw)))
		}
		data := v.packet
		if len(d.binary) > 0 {
			data = "[" + strings.Join(parts, ", ") + "]"
		}
		want := `["e",` + v.packet[1:]
		if v.packet == "[]" || v.packet == "[null]" {
			want = `["e"]`
		}
		e, err := Decode(fmt.Appendf(nil, `{"method":"emit","event":"e","data":%s,"binary":%t,"host_id":"h"}`, data,
			len(d.binary) > 0))
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		checkPacket(t, e, want, d.hexes())
	})
}
