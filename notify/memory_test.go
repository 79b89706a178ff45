package notify_test

import (
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/logtest"
)

func TestMemoryLog(t *testing.T) {
	t.Parallel()
	logtest.Test(t, func(*testing.T) logtest.Subject {
		return logtest.Subject{Log: notify.NewMemoryLog()}
	})
}

func TestMemoryLogsHaveDifferentEpochs(t *testing.T) {
	t.Parallel()
	if a, b := notify.NewMemoryLog().Head(), notify.NewMemoryLog().Head(); a == b {
		t.Fatalf("two logs of epoch %08x", a.Epoch)
	}
}

// The log of several nodes with which the Hub is tested keeps the contract.
func TestStreamLog(t *testing.T) {
	t.Parallel()
	logtest.Test(t, func(t *testing.T) logtest.Subject {
		stream := notify.NewStream()
		log, other := stream.Open(), stream.Open()
		return logtest.Subject{
			Log:   log,
			Peer:  other,
			Renew: func() { stream.GoBack(notify.ID{Epoch: notify.StreamEpoch}) },
			Trim: func() {
				log.Pause()
				for _, text := range []string{"a", "b", "c"} {
					m := &notify.Message{Namespace: "/", Rooms: []string{"r"}, Data: []byte(`"` + text + `"`)}
					if err := other.Append(t.Context(), []*notify.Message{m}); err != nil {
						t.Error(err)
					}
				}
				stream.Trim(3)
			},
			Reopen: func() notify.Log {
				_ = log.Close()
				return stream.Open()
			},
		}
	})
}
