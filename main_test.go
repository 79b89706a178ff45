package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output collects what the program prints while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestRunServesUntilToldToStop(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &output{}
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"--port", "0"}, env(nil), out) }()

	console := regexp.MustCompile(`http://127\.0\.0\.1:\d+/#key=([A-Z2-7]{52})`)
	deadline := time.Now().Add(10 * time.Second)
	for console.FindString(out.String()) == "" {
		if time.Now().After(deadline) {
			t.Fatalf("the console's address was not printed:\n%s", out)
		}
		time.Sleep(time.Millisecond)
	}
	found := console.FindStringSubmatch(out.String())
	base, _, _ := strings.Cut(found[0], "/#")

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	r, err := http.NewRequest("POST", base+"/v1/notifications", strings.NewReader(`{"target":{"all":true},"type":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+found[1])
	r.Header.Set("Content-Type", "application/json")
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	var receipt struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&receipt); err != nil || res.StatusCode != 200 || receipt.ID == "" {
		t.Errorf("the printed key got %d %+v %v", res.StatusCode, receipt, err)
	}
	res.Body.Close()

	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	if n := strings.Count(out.String(), found[1]); n != 2 {
		t.Errorf("the key was printed %d times, want 2: for reading and in the console's address", n)
	}
}

func TestRunShowsWhereTheConsoleIs(t *testing.T) {
	for _, tt := range []struct {
		want string
		env  map[string]string
	}{
		{`Console: http://127\.0\.0\.1:\d+/\n`, map[string]string{"API_KEYS": "a-key-of-the-tests-0123456789abcdef"}},
		{`Console: http://127\.0\.0\.1:\d+/console/\n`, map[string]string{"API_KEYS": "a-key-of-the-tests-0123456789abcdef", "UPSTREAM_URL": "http://127.0.0.1:1"}},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		out := &output{}
		done := make(chan error, 1)
		go func() { done <- run(ctx, []string{"--port", "0"}, env(tt.env), out) }()
		deadline := time.Now().Add(10 * time.Second)
		for !regexp.MustCompile(tt.want).MatchString(out.String()) && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if !regexp.MustCompile(tt.want).MatchString(out.String()) {
			t.Errorf("%v: no %s in\n%s", tt.env, tt.want, out)
		}
		if strings.Contains(out.String(), tt.env["API_KEYS"]) {
			t.Errorf("a key of the settings was printed:\n%s", out)
		}
	}
}

func TestRunTellsEveryMistakeAtOnce(t *testing.T) {
	err := run(t.Context(), nil, env(map[string]string{"PORT": "http", "JWT_SECRET": "short", "ALLOWED_ORIGINS": "*"}), &output{})
	if err == nil {
		t.Fatal("it started")
	}
	for _, want := range []string{"PORT", "JWT_SECRET", "ALLOWED_ORIGINS"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "short") {
		t.Errorf("the error shows the secret: %v", err)
	}
}

func TestOpenModeStaysOnLoopbackUnlessAskedFor(t *testing.T) {
	if err := run(t.Context(), []string{"--host", "0.0.0.0"}, env(nil), &output{}); err == nil {
		t.Error("open mode that nobody asked for listened on all addresses")
	}
}

func TestHelp(t *testing.T) {
	out := &output{}
	if err := run(t.Context(), []string{"--help"}, env(nil), out); err != nil || !strings.Contains(out.String(), "--port") {
		t.Errorf("%v\n%s", err, out)
	}
}
