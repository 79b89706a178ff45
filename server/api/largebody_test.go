package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Two batches of the maximum size may arrive at the same time, with a Content-Length or without; a
// third waits, and then gets an error. Bodies of a single notification do not wait for them.
func TestLargeBatchesAreBounded(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int64{"Content-Length": maxBatchBody, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLargeBodies()
				var ends []*io.PipeWriter
				var running sync.WaitGroup
				for range 2 {
					in, out := io.Pipe()
					ends = append(ends, out)
					running.Go(func() {
						body, release, err := l.read(t.Context(), nil, in, length, maxBatchBody)
						defer release()
						if err != nil || len(body) != 2*maxSingleBody {
							t.Errorf("%d bytes, %v", len(body), err)
						}
					})
					_, _ = out.Write(make([]byte, 2*maxSingleBody))
				}
				synctest.Wait()
				read := func(n int64, limit int64) error {
					in := bytes.NewReader(make([]byte, n))
					_, release, err := l.read(t.Context(), nil, in, min(n, max(length, -1)), limit)
					release()
					return err
				}
				if err := read(2*maxSingleBody, maxBatchBody); !errors.Is(err, errTooManyLarge) {
					t.Errorf("a third batch: %v", err)
				}
				for _, limit := range []int64{maxSingleBody, maxBatchBody} {
					if err := read(maxSingleBody/2, limit); err != nil {
						t.Errorf("a body of 512 KiB: %v", err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				_, release, err := l.read(ctx, nil, strings.NewReader(""), maxBatchBody, maxBatchBody)
				if release(); !errors.Is(err, context.Canceled) {
					t.Errorf("a request that ends: %v", err)
				}
				for _, out := range ends {
					_ = out.Close()
				}
				running.Wait()
				if err := read(2*maxSingleBody, maxBatchBody); err != nil {
					t.Errorf("a batch afterwards: %v", err)
				}
				if !l.batches.TryAcquire(maxBatchBytes) || len(l.buffers) != maxLargeBodies {
					t.Error("something is still reserved")
				}
			})
		})
	}
}

// Eight batches of the maximum size at once take the memory of two.
func TestLargeBatchesHeap(t *testing.T) {
	if testing.Short() {
		t.Skip("publishes 8 batches of 16 MB")
	}
	base := serveHub(t, servertest.NewHub(t))
	item := `{"target":{"channel":"x"},"type":"load","data":"` + strings.Repeat("x", 16<<10) + `"},`
	body := []byte("[" + strings.TrimSuffix(strings.Repeat(item, 990), ",") + "]")
	peak, stop := servertest.WatchHeap()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			r, _ := http.NewRequest("POST", base+"/v1/notifications", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-API-Key", servertest.Key)
			res, err := servertest.HTTPClient().Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("%d %.200s", res.StatusCode, text)
			}
		})
	}
	all.Wait()
	stop()
	t.Logf("the heap grew by %d MiB", peak()>>20)
	if peak() > 180<<20 { // usually 120; without the bound 250
		t.Errorf("the heap grew by %d MiB", peak()>>20)
	}
}
