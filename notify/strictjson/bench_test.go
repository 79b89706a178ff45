package strictjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// samples are what backends send: a payment, a list of rows, prose, and a large object.
var samples = map[string][]byte{
	"payment": []byte(`{"target":{"user":"u1"},"type":"payment:completed",` +
		`"data":{"paymentId":"p_1","amount":12.5,"lines":[{"sku":"a","n":1},{"sku":"b","n":2}]},` +
		`"metadata":{"source":"webhook"}}`),
	"rows": []byte("[" + strings.Repeat(
		`{"id":12345,"name":"some name","active":true,"tags":["a","b"]},`, 200,
	) + "null]"),
	"prose": []byte(`{"text":"` + strings.Repeat("Plain words and naïve ones. ", 300) + `"}`),
	"keys":  manyKeys(200),
}

func manyKeys(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"field_%d":%d`, i, i)
	}
	return []byte("{" + b.String()[1:] + "}")
}

func BenchmarkCheck(b *testing.B) {
	for name, text := range samples {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Check(text, Rules{Depth: 33}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkValid is encoding/json's check of the grammar alone, for comparison.
func BenchmarkValid(b *testing.B) {
	for name, text := range samples {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if !json.Valid(text) {
					b.Fatal("not valid")
				}
			}
		})
	}
}

func BenchmarkSkip(b *testing.B) {
	for name, text := range samples {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if valueEnd(text, 0) != len(text) {
					b.Fatal("end")
				}
			}
		})
	}
}
