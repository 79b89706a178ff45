package sse

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// idleEnv makes the test binary a client process: "<address> <streams> <TLS: true or false>".
const idleEnv = "SSE_TEST_CLIENTS"

// BenchmarkIdleStream reports the memory of an idle stream: live heap, stack, and resident memory
// of the process, which includes the garbage of the handshakes. The clients are another process.
func BenchmarkIdleStream(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		for _, w := range []way{taken, netHTTP} {
			for _, secure := range []bool{false, true} {
				b.Run(fmt.Sprintf("n=%d/%s/tls=%t", n, w, secure), func(b *testing.B) {
					for b.Loop() {
						measureIdle(b, w, n, secure)
					}
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}

func measureIdle(b *testing.B, w way, n int, secure bool) {
	r := newRig(b, Options{Sync: -1})
	srv := httptest.NewUnstartedServer(w.of(r.routes()))
	if secure {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	defer srv.Close()
	runtime.GC()
	debug.FreeOSMemory()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resident := residentBytes()
	end := idleProcess(b, srv, n, secure)
	resident = residentBytes() - resident
	runtime.GC()
	runtime.GC() // the second one empties the pools
	runtime.ReadMemStats(&after)
	if r.Len() != n {
		b.Fatalf("%d streams", r.Len())
	}
	each := func(name string, bytes int) {
		b.ReportMetric(float64(bytes)/float64(n), name+"-B/stream")
	}
	each("heap", int(after.HeapAlloc)-int(before.HeapAlloc))
	each("stack", int(after.StackInuse)-int(before.StackInuse))
	if resident > 0 {
		each("resident", resident)
	}
	end()
	for r.Len() > 0 {
		<-r.gone
	}
}

// residentBytes returns the resident memory of the process, or 0 if the system does not report it.
func residentBytes() int {
	text, _ := os.ReadFile("/proc/self/statm")
	var size, pages int
	_, _ = fmt.Sscan(string(text), &size, &pages)
	return pages * os.Getpagesize()
}

// idleProcess opens n streams in another process, until end.
func idleProcess(b *testing.B, srv *httptest.Server, n int, secure bool) (end func()) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %t", idleEnv, srv.Listener.Addr(), n,
		secure))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		b.Fatalf("the clients wrote %q, %v", line, err)
	}
	return func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
}

// idleClients opens streams with the headers of a browser, writes a line when all have begun, and
// discards their events until its standard input closes.
func idleClients() int {
	var addr string
	var n int
	var secure bool
	if _, err := fmt.Sscan(os.Getenv(idleEnv), &addr, &n, &secure); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var begun sync.WaitGroup
	gate := make(chan struct{}, 64)
	for i := range n {
		gate <- struct{}{}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if secure {
			// The test does not depend on the certificate of httptest.
			conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		}
		fmt.Fprintf(conn,
			"GET /sse?userId=u%d HTTP/1.1\r\nHost: localhost:3000\r\nAccept: text/event-stream\r\n"+
				"User-Agent: Mozilla/5.0 (X11; Linux x86_64) "+
				"AppleWebKit/537.36\r\nAccept-Language: en\r\nAccept-Encoding: gzip\r\n"+
				"Origin: http://localhost:3000\r\nCookie: "+
				"session=0123456789abcdef0123456789abcdef\r\n\r\n", i)
		begun.Go(func() {
			defer func() { <-gate }()
			buf := make([]byte, 2048)
			for got := 0; !strings.Contains(string(buf[:got]), `"connected"`); {
				k, err := conn.Read(buf[got:])
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				got += k
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		})
	}
	begun.Wait()
	fmt.Println("begun")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}
