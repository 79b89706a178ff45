package sse

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// A body that is not complete gives way to one that began later.
func TestIncompleteBodiesAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.intake = sockets.NewIntake(400_000)
	srv := r.serve(t, taken)
	alice := open(t, srv.URL+"/sse?userId=alice&channels=team")
	url := srv.URL + "/sse/" + alice.hello.ClientID + "/messages?userId=alice"
	body := `{"room":"team","message":"` + strings.Repeat("x", 200_000) + `"}`

	read, write := io.Pipe()
	defer write.Close()
	type result struct {
		status int
		text   string
	}
	slow := make(chan result, 1)
	go func() {
		response, err := http.Post(url, "application/json", read)
		if err != nil {
			slow <- result{text: err.Error()}
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		slow <- result{response.StatusCode, string(text)}
	}()
	if _, err := io.WriteString(write, body[:len(body)-1]); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); r.intake.Grown() < len(body)-1; {
		if time.Now().After(end) {
			t.Fatalf("%d bytes are incomplete", r.intake.Grown())
		}
		time.Sleep(time.Millisecond)
	}
	if status, text, _ := say(t, url, body); status != 200 {
		t.Errorf("the next body: %d %s", status, text)
	}
	got := <-slow
	if got.status != 503 || !strings.Contains(got.text, `"code":"unavailable"`) {
		t.Errorf("the body that is not complete: %d %s", got.status, got.text)
	}
	if n := r.intake.Grown(); n != 0 {
		t.Errorf("%d bytes are incomplete at the end", n)
	}
}
