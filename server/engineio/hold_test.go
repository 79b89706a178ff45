package engineio

import (
	"strings"
	"testing"
	"time"
)

// bounded holds some bytes of each client and notes the heads of larger messages.
type bounded struct {
	left     int
	exceeded chan string
}

func (*bounded) Message([]byte, bool) {}
func (*bounded) Close(string)         {}

func (b *bounded) Hold(n int) bool {
	b.left -= n
	return b.left >= 0
}

func (b *bounded) Exceeded(head []byte) { b.exceeded <- string(head) }

// A message that the session does not hold takes no memory while its rest is on the way: a client
// may take its time for that.
func TestDiscardedMessageTakesNoMemory(t *testing.T) {
	t.Parallel()
	exceeded := make(chan string, 1)
	f := serve(t, Options{Accept: func(*Session) (Handler, error) {
		return &bounded{20_000, exceeded}, nil
	}})
	ws := f.dial("")
	ws.next()
	ws.begin(18_000)
	if f.s.intake.Grown() == 0 {
		t.Error("the first fragment takes no memory")
	}
	conn := ws.NetConn()
	part := maskedFrame(opContinuation, []byte(strings.Repeat("x", 5000)))
	for range 20 {
		if _, err := conn.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the memory is free", func() bool { return f.s.intake.Grown() == 0 })
	if _, err := conn.Write(maskedFrame(0x80|opContinuation, nil)); err != nil {
		t.Fatal(err)
	}
	select {
	case head := <-exceeded:
		if head != strings.Repeat("x", headSize-1) { // without the packet type
			t.Errorf("the head has %d bytes: %.20q", len(head), head)
		}
	case <-time.After(patience):
		t.Error("the handler does not learn of the message")
	}
}

// The head of a discarded message is complete when its first fragments are smaller.
func TestHeadOfSmallFragments(t *testing.T) {
	t.Parallel()
	exceeded := make(chan string, 1)
	f := serve(t, Options{Accept: func(*Session) (Handler, error) {
		return &bounded{4, exceeded}, nil
	}})
	ws := f.dial("")
	ws.next()
	var all []byte
	all = append(all, maskedFrame(opText, []byte("4ab"))...)
	all = append(all, maskedFrame(opContinuation, []byte("cd"))...)
	all = append(all, maskedFrame(0x80|opContinuation, []byte(strings.Repeat("e", 1000)))...)
	if _, err := ws.NetConn().Write(all); err != nil {
		t.Fatal(err)
	}
	select {
	case head := <-exceeded:
		if want := "abcd" + strings.Repeat("e", headSize-5); head != want {
			t.Errorf("got %.40q of %d bytes", head, len(head))
		}
	case <-time.After(patience):
		t.Error("the handler does not learn of the message")
	}
}
