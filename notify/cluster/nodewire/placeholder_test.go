package nodewire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Binary values get into their places in both forms, and take no more than was counted.
func TestFill(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 1, 10).Draw(t, "attachments")
		text := []byte{'['}
		for i := range all {
			text = append(appendPlaceholder(append(text, `{"a":`...), i), `},`...)
		}
		text = append(text, `null]`...)
		if !numbered(text, len(all)) {
			t.Fatalf("%s", text)
		}
		var strings []struct{ A *string }
		if err := json.Unmarshal(fill(nil, text, all, appendBase64), &strings); err != nil {
			t.Fatal(err)
		}
		var buffers []struct {
			A struct {
				Type string
				Data []int
			}
		}
		if err := json.Unmarshal(fill(nil, text, all, appendBuffer), &buffers); err != nil {
			t.Fatal(err)
		}
		for i, a := range all {
			if got, err := base64.StdEncoding.DecodeString(*strings[i].A); err != nil || !bytes.Equal(got, a) {
				t.Errorf("string %d is %q, %v", i, *strings[i].A, err)
			}
			numbers := make([]int, len(a))
			for j, b := range a {
				numbers[j] = int(b)
			}
			if of := buffers[i].A; of.Type != "Buffer" || fmt.Sprint(of.Data) != fmt.Sprint(numbers) {
				t.Errorf("buffer %d is %v, want %v", i, of, numbers)
			}
			if n, limit := len(appendBuffer(nil, a)), bufferSize(a); n > limit || n < limit-1 {
				t.Errorf("%d bytes, counted %d", n, limit)
			}
		}
	})
}
