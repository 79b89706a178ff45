package redisstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// R14: the password is in no error and no line of the log, whatever goes wrong.
func TestPasswordIsRedacted(t *testing.T) {
	t.Parallel()
	const canary = "c4nary-p4ssword"
	seen := func(name string, texts ...string) {
		for _, text := range texts {
			if strings.Contains(text, "c4nary") {
				t.Errorf("%s: the password is in %q", name, text)
			}
		}
	}
	for name, o := range map[string]redistest.Options{
		"right":      {Password: canary},
		"wrong":      {Password: "other"},
		"none":       {},
		"eviction":   {Password: canary, Eviction: "allkeys-lru"},
		"no HELLO":   {Password: canary, Config: []string{`rename-command HELLO ""`}},
		"no HELLO 2": {Config: []string{`rename-command HELLO ""`, `rename-command AUTH ""`}},
		"no INFO":    {Password: canary, Config: []string{`rename-command CLIENT ""`}},
	} {
		s := redistest.Start(t, o)
		c, log := newClient(t, options(s.URLOf("default", canary)))
		err := c.Check(t.Context())
		t.Logf("%s: %v", name, err)
		seen(name, fmt.Sprint(err), fmt.Sprintf("%+v", err), log.Text())
		s.Kill()
		err = c.set(t.Context(), "v")
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s, killed: %v", name, err)
		}
		seen(name, fmt.Sprint(err), log.Text())
	}
	o := options("redis://:" + canary + "/@host")
	_, err := New(o)
	seen("options", fmt.Sprint(err), fmt.Sprintf("%v %+v %#v", o, o, o))
}

func TestClean(t *testing.T) {
	t.Parallel()
	o := DefaultOptions()
	o.URL = auth.Secret("redis://s:sentinel-pw@h?master_name=m&password=data-pw")
	c, _ := newClient(t, o)
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "plain"},
		{errors.New("a data-pw, a sentinel-pw"), "a ***, a ***"},
		{errors.New("ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'da"),
			"ERR unknown command 'HELLO'"},
		{fmt.Errorf("data-pw: %w", context.DeadlineExceeded), "***: context deadline exceeded"},
	} {
		got := c.clean(test.err)
		if got.Error() != test.want {
			t.Errorf("%v: %v, want %s", test.err, got, test.want)
		}
		if errors.Is(test.err, context.DeadlineExceeded) != errors.Is(got, context.DeadlineExceeded) {
			t.Errorf("%v: the cause is lost", test.err)
		}
	}
}

func TestStreamName(t *testing.T) {
	t.Parallel()
	for name, isGood := range map[string]bool{
		"socket.io": true, "a:b-c_d/é": true, "": false, "a b": false, "a{b}": false, "a*": false,
		"a\n": false, "\xff": false,
		strings.Repeat("a", maxName): true, strings.Repeat("a", maxName+1): false,
	} {
		o := DefaultOptions()
		o.Stream = name
		c, err := New(o)
		if (err == nil) != isGood {
			t.Errorf("%q: %v", name, err)
		}
		if err == nil {
			c.Close()
		}
	}
}
