package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// pairFiles are the files of a certificate that a test writes.
type pairFiles struct {
	t         *testing.T
	cert, key string
}

// write writes the parts that are not nil.
func (p pairFiles) write(cert, key []byte) {
	p.t.Helper()
	for name, text := range map[string][]byte{p.cert: cert, p.key: key} {
		if text == nil {
			continue
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

// newPair returns the text of a certificate and of its key.
func newPair(t *testing.T) (cert, key []byte) {
	t.Helper()
	certFile, keyFile, _ := writeCertificate(t)
	for name, text := range map[string]*[]byte{certFile: &cert, keyFile: &key} {
		var err error
		if *text, err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A pair is used at the second look that shows it. Files that are no pair are reported once, and the
// former certificate stays, whatever is wrong with them.
func TestCertificateFilesChange(t *testing.T) {
	t.Parallel()
	files := pairFiles{t, filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")}
	firstCert, firstKey := newPair(t)
	secondCert, secondKey := newPair(t)
	both := append(bytes.Clone(secondCert), firstCert...)
	files.write(firstCert, firstKey)
	var c certificate
	if err := c.load(files.cert, files.key); err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	check := func(step string, wantCert []byte, wantLog string) {
		t.Helper()
		want, err := tls.X509KeyPair(wantCert, firstKey)
		if err != nil {
			want, err = tls.X509KeyPair(wantCert, secondKey)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := c.current.Load(); !bytes.Equal(got.Certificate[0], want.Certificate[0]) ||
			len(got.Certificate) != len(want.Certificate) {
			t.Errorf("%s: the certificate is another one", step)
		}
		got := ""
		for _, entry := range logs.TakeAll() {
			got += fmt.Sprint(entry.Level, " ", entry.Message, " ", entry.ContextMap()["error"], "; ")
		}
		if wantLog == "" && got != "" || !strings.HasPrefix(got, wantLog) ||
			strings.Count(got, "; ") > 1 {
			t.Errorf("%s: logged %q, want %q", step, got, wantLog)
		}
	}
	const refused = "error the new certificate is not used, the former one stays "
	c.look(log)
	check("nothing has changed", firstCert, "")
	for _, tt := range []struct {
		name      string
		cert, key []byte
		want, log string
	}{
		{"a certificate without its key", secondCert, firstKey, "", "private key does not match"},
		{"half a certificate", secondCert[:len(secondCert)/2], secondKey, "", "the last PEM block has no end"},
		{"half a chain", both[:len(both)-40], secondKey, "", "the last PEM block has no end"},
		{"half a key", secondCert, secondKey[:len(secondKey)/2], "", "the last PEM block has no end"},
		{"an empty file", []byte{}, secondKey, "", "failed to find any PEM data"},
	} {
		files.write(tt.cert, tt.key)
		c.look(log)
		check(tt.name+", first look", firstCert, "")
		c.look(log)
		logged := fmt.Sprint(logs.All()[0].ContextMap()["error"])
		if !strings.Contains(logged, tt.log) || !strings.Contains(logged, files.cert) &&
			!strings.Contains(logged, files.key) {
			t.Errorf("%s: logged %s", tt.name, logged)
		}
		check(tt.name, firstCert, refused)
		c.look(log)
		check(tt.name+", third look", firstCert, "")
	}
	if err := os.Remove(files.key); err != nil {
		t.Fatal(err)
	}
	c.look(log)
	c.look(log)
	check("no key", firstCert, refused)

	files.write(both, secondKey)
	c.look(log)
	check("a new pair, first look", firstCert, "")
	c.look(log)
	check("a new pair", both, "info the certificate was replaced")
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(files.cert, later, later); err != nil {
		t.Fatal(err)
	}
	c.look(log)
	c.look(log)
	check("the same pair with another time", both, "")
	files.write(firstCert, nil)
	c.look(log)
	files.write(nil, firstKey) // the writer needs longer than an interval
	c.look(log)
	check("a new pair in two steps", both, "")
	c.look(log)
	check("a new pair in two steps, the next look", firstCert, "info the certificate was replaced")
}

// The files are looked at once in an interval, for as long as the service runs.
func TestCertificateIsWatched(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := writeCertificate(t)
	cert, key := newPair(t)
	synctest.Test(t, func(t *testing.T) {
		var c certificate
		if err := c.load(certFile, keyFile); err != nil {
			t.Fatal(err)
		}
		former := c.current.Load()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.watch(ctx, 10*time.Second, zap.NewNop()); close(ended) }()
		pairFiles{t, certFile, keyFile}.write(cert, key)
		time.Sleep(19 * time.Second)
		if c.current.Load() != former {
			t.Error("the certificate was replaced after one look")
		}
		time.Sleep(2 * time.Second)
		if c.current.Load() == former {
			t.Error("the certificate was not replaced after two looks")
		}
		stop()
		<-ended
	})
}

// A renewal as certbot writes it, by replacing the links to the files of a certificate one after the
// other, reaches new connections without a signal. It closes none that is open, and no handshake
// fails while the links point to different pairs.
func TestRenewalClosesNoConnection(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	live := pairFiles{t, filepath.Join(directory, "fullchain.pem"), filepath.Join(directory, "privkey.pem")}
	link := func(cert, key string) {
		t.Helper()
		for name, file := range map[string]string{live.cert: cert, live.key: key} {
			if err := os.Symlink(file, name+".new"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(name+".new", name); err != nil {
				t.Fatal(err)
			}
		}
	}
	cert, key, _ := writeCertificate(t)
	link(cert, key)
	o := newParts(t)
	o.CertFile, o.KeyFile, o.CertInterval = live.cert, live.key, 5*time.Millisecond
	s := New(o)
	at := listening(t, s)
	dial := func() (*tls.Conn, string) {
		t.Helper()
		conn, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn, string(conn.ConnectionState().PeerCertificates[0].Raw)
	}
	open, first := dial()
	reader := bufio.NewReader(open)
	if _, err := fmt.Fprintf(open, "GET /sse?userId=u1 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	until := func(want string) {
		t.Helper()
		_ = open.SetReadDeadline(time.Now().Add(servertest.Patience))
		for line := ""; !strings.Contains(line, want); {
			var err error
			if line, err = reader.ReadString('\n'); err != nil {
				t.Fatalf("the stream ended before %s: %v", want, err)
			}
		}
	}
	until("event: connected")
	for range 3 {
		cert, key, _ := writeCertificate(t)
		link(cert, key)
		servertest.Eventually(t, "new connections have the new certificate", func() bool {
			conn, now := dial()
			defer conn.Close()
			changed := now != first
			if changed {
				first = now
			}
			return changed
		})
	}
	after := notify.Notification{Type: "after", Data: json.RawMessage("1")}
	if _, err := o.Hub.Publish(t.Context(), after, notify.ToAll()); err != nil {
		t.Fatal(err)
	}
	until("event: after")
}
