package redisstream

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

var payload = bytes.Repeat([]byte{'1'}, 400)

func sample() *notify.Message {
	return &notify.Message{Namespace: "/", Rooms: []string{"orders"}, Type: "t", Data: payload,
		Timestamp: time.Now().UTC().Truncate(time.Millisecond)}
}

// benchLog returns a log with a follower that does nothing.
func benchLog(b *testing.B) (*redistest.Server, *Log) {
	s := redistest.Start(b, redistest.Options{})
	l := openLog(b, dial(b, options(s.URL())), nil)
	l.Follow(func(notify.Batch) func() { return nil })
	servertest.Receive(b, l.Ready())
	return s, l
}

// BenchmarkAppend compares the log, which also reads what it has written, with redis-benchmark, which
// sends the same entry: as many clients as publishers, and as a pipeline of one client. The bare program
// writes and reads prepared bytes, and has no publishers.
func BenchmarkAppend(b *testing.B) {
	for _, publishers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("log/%d", publishers), func(b *testing.B) {
			s, l := benchLog(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			report := measure(b, s)
			for range publishers {
				wg.Go(func() {
					for next.Add(1) <= int64(b.N) {
						if err := l.Append(b.Context(), []*notify.Message{sample()}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			report()
		})
		b.Run(fmt.Sprintf("redis-benchmark/%d", publishers), func(b *testing.B) {
			redisBenchmark(b, "-c", strconv.Itoa(publishers))
		})
	}
	b.Run("bare", bare)
	b.Run("redis-benchmark/pipeline", func(b *testing.B) {
		redisBenchmark(b, "-c", "1", "-P", strconv.Itoa(barePipeline))
	})
}

// measure starts the timer, and returns a function that reports the rate and the processor time of an
// append: of this process, and of the server.
func measure(b *testing.B, s *redistest.Server) (report func()) {
	own, server := processorTime(b), serverTime(b, s)
	b.ResetTimer()
	return func() {
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
		each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(b.N) }
		b.ReportMetric(each(processorTime(b)-own), "own-µs/op")
		b.ReportMetric(each(serverTime(b, s)-server), "redis-µs/op")
	}
}

// serverTime returns the processor time of a server.
func serverTime(b *testing.B, s *redistest.Server) (d time.Duration) {
	b.Helper()
	for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := strconv.ParseFloat(s.Info(b, field), 64)
		if err != nil {
			b.Fatal(err)
		}
		d += time.Duration(seconds * float64(time.Second))
	}
	return d
}

// redisBenchmark adds the entry of a sample b.N times.
func redisBenchmark(b *testing.B, flags ...string) {
	s := redistest.Start(b, redistest.Options{})
	e, err := nodewire.FromMessage(sample(), nodewire.NewUID(), "1")
	if err != nil {
		b.Fatal(err)
	}
	f, err := e.Fields()
	if err != nil {
		b.Fatal(err)
	}
	args := append([]string{"-p", strconv.Itoa(s.Port), "-n", strconv.Itoa(max(b.N, 10_000)), "-q"}, flags...)
	args = append(args, "xadd", "socket.io", "maxlen", "~", "100000", "*")
	b.ResetTimer()
	server := serverTime(b, s)
	out, err := exec.Command("redis-benchmark", append(args, f.Pairs()...)...).Output()
	if err != nil {
		b.Skip(err) // it is not installed
	}
	rates := regexp.MustCompile(`([0-9.]+) requests per second`).FindAllStringSubmatch(string(out), -1)
	if rates == nil {
		b.Fatalf("redis-benchmark wrote %.200q", out)
	}
	rate, err := strconv.ParseFloat(rates[len(rates)-1][1], 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(rate, "appends/s")
	spent := serverTime(b, s) - server
	b.ReportMetric(float64(spent.Nanoseconds())/1000/float64(max(b.N, 10_000)), "redis-µs/op")
}

// BenchmarkAcknowledgement reports how long publishers wait at 1,000 publishes a second.
func BenchmarkAcknowledgement(b *testing.B) {
	_, l := benchLog(b)
	var mu sync.Mutex
	var times []time.Duration
	var wg sync.WaitGroup
	b.ResetTimer()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range b.N {
		<-tick.C
		wg.Go(func() {
			begun := time.Now()
			if err := l.Append(b.Context(), []*notify.Message{sample()}); err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Since(begun))
		})
	}
	wg.Wait()
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}
