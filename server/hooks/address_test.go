package hooks

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	const never, private, public = "never", "private", "public"
	for address, want := range map[string]string{
		"93.184.216.34": public, "2606:2800:220:1::1": public, "64:ff9b::5db8:d822": public,
		"127.0.0.1": private, "127.9.9.9": private, "10.1.2.3": private, "172.31.0.1": private,
		"192.168.1.1": private, "100.64.0.1": private, "::1": private, "fd12::1": private,
		"::ffff:10.0.0.1": private, "64:ff9b::a00:1": private, "2002:a00:1::": private,
		"169.254.169.254": never, "::ffff:169.254.169.254": never, "64:ff9b::a9fe:a9fe": never,
		"64:ff9b:1::a9fe:a9fe": never, "2002:a9fe:a9fe::1": never, "::a9fe:a9fe": never,
		"2001:0:1:2:3:4:5601:5601": never, // Teredo: the address is inverted
		"fe80::1":                  never, "fe80::1%eth0": never, "fd00:ec2::254": never, "0.0.0.0": never,
		"::": never, "224.0.0.1": never, "255.255.255.255": never, "100.100.100.200": never,
		"168.63.129.16": never,
	} {
		for _, allowPrivate := range []bool{false, true} {
			err := allowed(allowPrivate)("tcp", net.JoinHostPort(address, "80"), nil)
			ok := want == public || want == private && allowPrivate
			if (err == nil) != ok {
				t.Errorf("%s, private %v: %v", address, allowPrivate, err)
			}
		}
	}
}

// A name that means an address of this machine is refused when the connection is made, whatever it
// meant before.
func TestNamesAreCheckedWhenTheyAreUsed(t *testing.T) {
	t.Parallel()
	o := DefaultOptions()
	o.Now = time.Now
	var keys signers
	if err := keys.set([]auth.Secret{auth.Secret(testSecret)}); err != nil {
		t.Fatal(err)
	}
	s := newSender(o, &keys, 1)
	for _, address := range []string{
		"http://localhost:9/", "http://127.0.0.1:9/", "http://[::1]:9/", "http://2130706433:9/",
		"http://0x7f.1:9/", "http://169.254.169.254/latest/meta-data/",
	} {
		_, err := s.send(context.Background(), "event", address, "msg_1", []byte(`{}`),
			expected{max: maxAnswer})
		var failure *Failure
		if !errors.As(err, &failure) || failure.Outcome != "refused" && failure.Outcome != "unreachable" {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "example.com", "/path", "ftp://example.com", "http://", "http://a b/", "http://h/#x",
		"http://\x7f",
	} {
		if CheckURL(address) == nil {
			t.Errorf("%q is accepted", address)
		}
	}
	if err := CheckURL("https://user:secret@example.com/x?y=1"); err != nil {
		t.Error(err)
	}
	for address, want := range map[string]string{
		"https://user:secret@example.com/x?y=1":   "https://example.com/x",
		"/chat=http://user:se@cret@example.com:1": "/chat=http://example.com:1",
		"http://example.com/@handle":              "http://example.com/@handle",
		"not a URL":                               "not a URL",
	} {
		if got := ShowURL(address); got != want {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
}
