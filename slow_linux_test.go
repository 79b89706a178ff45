package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Clients that read slowly get everything or one gap, and with ROOMCAST_SOAK the delays of the
// others stay below twice those without them.
func TestSlowAmongFast(t *testing.T) {
	t.Parallel()
	slow, fast, messages := 2, 20, 40
	if servertest.Soaking() {
		slow, fast, messages = 10, 500, 200
	}
	p := startChild(t, 4000, map[string]string{"API_KEYS": testKey, "HANDSHAKE_RATE": "0"})
	readers := p.openReaders(fast)
	base := p.delays(readers, messages, 2<<10)
	address := strings.TrimPrefix(p.base, "http://")
	var conns []net.Conn
	for range slow {
		conn, err := dialDeaf(address, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Time{})
		fmt.Fprint(conn, "GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
		conns = append(conns, conn)
	}
	ctx, stop := context.WithCancel(t.Context())
	texts := make([]strings.Builder, slow)
	var reading sync.WaitGroup
	for i, conn := range conns {
		reading.Go(func() { readSlowly(ctx, conn, &texts[i]) })
	}
	busy := p.delays(readers, messages, 2<<10)
	if status, text := p.publish(testKey); status != http.StatusOK { // the type is hello
		t.Fatalf("%d %s", status, text)
	}
	stop() // they read the rest as fast as they can
	reading.Wait()
	again := p.delays(readers, messages, 2<<10) // the machine may be slower than at the start
	t.Logf("p99 of %d fast readers: %v and %v alone, %v beside %d slow ones", fast,
		percentile(base, 99), percentile(again, 99), percentile(busy, 99), slow)
	if fast == 500 && percentile(busy, 99) >= 2*max(percentile(base, 99), percentile(again, 99)) {
		t.Error("want less than twice as much")
	}
	for i := range texts {
		checkComplete(t, texts[i].String(), messages)
	}
}

// readSlowly reads 4 KB a second until ctx ends, and then everything up to the event hello. The
// server cuts a client that reads less than 16 KB in ten seconds.
func readSlowly(ctx context.Context, conn net.Conn, text *strings.Builder) {
	defer conn.Close()
	buf := make([]byte, 4<<10)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	for !strings.Contains(text.String(), "event: hello\n") {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		text.Write(buf[:n])
		if ctx.Err() == nil {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		} else {
			buf = make([]byte, 256<<10)
		}
	}
}

var timedData = regexp.MustCompile(`"n":(\d+),"at":`)

// checkComplete checks that a stream has every message of delays since its start, in order, or one
// gap.
func checkComplete(t *testing.T, text string, messages int) {
	t.Helper()
	next, missed := -1, 0
	for _, found := range timedData.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(found[1])
		if next >= 0 && n != next {
			missed++
		}
		next = n + 1
	}
	if gaps := strings.Count(text, "event: gap\n"); missed != gaps || gaps > 1 || next != messages {
		t.Errorf("%d of %d messages, not consecutive %d times, %d gaps: %.300s", next, messages, missed,
			gaps, text)
	}
}

// With 1,000 deaf streams and 1,000 deaf websockets the memory of the server stays small, and the
// delays of the others short. The test logs the figures; without ROOMCAST_SOAK it is small.
func TestDeafAmongFast(t *testing.T) {
	t.Parallel()
	deaf, fast, messages := 20, 10, 30
	if servertest.Soaking() {
		deaf, fast, messages = 2000, 100, 300
	}
	p := startChild(t, 6000, map[string]string{"API_KEYS": testKey, "HANDSHAKE_RATE": "0"})
	readers := p.openReaders(fast)
	base := p.delays(readers, messages, 4<<10)
	before := p.resident()
	opened := openDeaf(t, strings.TrimPrefix(p.base, "http://"), deaf)
	idle := p.resident()
	busy := p.delays(readers, messages, 4<<10)
	after := p.resident()
	t.Logf("%d deaf clients: %d MB before, %d MB with them, %d MB while %d messages wait for them; "+
		"p99 of %d others %v before, %v with them", opened, before>>20, idle>>20, after>>20, messages,
		fast, percentile(base, 99), percentile(busy, 99))
	if each := (after - idle) / int64(max(opened, 1)); deaf == 2000 && each > 32<<10 {
		t.Errorf("a deaf client takes %d bytes", each)
	}
}

// resident returns the resident memory of the process.
func (p *child) resident() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if err != nil || found == nil {
		p.t.Fatalf("%v in %s", err, text)
	}
	kb, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return kb << 10
}

// reader is a stream that is read at once.
type reader struct{ delays chan time.Duration }

// openReaders opens n streams that note the delay of each message of delays.
func (p *child) openReaders(n int) []reader {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	readers := make([]reader, n)
	for i := range readers {
		readers[i].delays = make(chan time.Duration, 1000)
		r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.base+"/sse", nil)
		if err != nil {
			p.t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { res.Body.Close() })
		go readers[i].read(res.Body)
	}
	return readers
}

func (r reader) read(body io.Reader) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		now := time.Now().UnixNano()
		var message struct{ Data struct{ At int64 } }
		if json.Unmarshal([]byte(data), &message) == nil && message.Data.At > 0 {
			r.delays <- time.Duration(now - message.Data.At)
		}
	}
}

// delays publishes messages to everyone, 50 a second, and returns the sorted delays of all readers.
func (p *child) delays(readers []reader, messages, size int) (all []time.Duration) {
	p.t.Helper()
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	pad := strings.Repeat("x", size)
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for i := range messages {
		<-pace.C
		body := fmt.Sprintf(`{"target":{"all":true},"type":"timed","data":{"n":%d,"at":%d,"pad":%q}}`, i,
			time.Now().UnixNano(), pad)
		res, err := post(client, p.base, body)
		if err != nil {
			p.t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			p.t.Fatalf("publish: %d", res.StatusCode)
		}
	}
	timeout := time.After(patience)
	for i, r := range readers {
		for range messages {
			select {
			case delay := <-r.delays:
				all = append(all, delay)
			case <-timeout:
				p.t.Fatalf("reader %d of %d misses a message", i, len(readers))
			}
		}
	}
	slices.Sort(all)
	return all
}

func percentile(sorted []time.Duration, n int) time.Duration {
	return sorted[len(sorted)*n/100].Round(10 * time.Microsecond)
}
