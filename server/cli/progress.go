package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/roomcast/roomcast/server/verify"
)

// progress prints a line for each result. On a terminal the check that runs is the last line, with
// a mark that turns, and states have colours; elsewhere there are only lines.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	fancy   bool
	colours bool
	check   string
	began   time.Time
	turn    int
	quit    chan struct{}
	turned  sync.WaitGroup
}

// marks are the pictures of the mark that turns.
var marks = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// look is how a state is shown.
type look struct{ word, mark, colour string }

var looks = map[verify.State]look{
	verify.OK: {"ok", "✓", "32"}, verify.Fault: {"FAULT", "✗", "31"},
	verify.Note: {"note", "•", "33"}, verify.Skipped: {"skipped", "–", "90"},
}

func newProgress(w io.Writer) *progress {
	f, isFile := w.(*os.File)
	terminal := isFile && IsTerminal(f) && os.Getenv("TERM") != "dumb"
	return newProgressFor(w, terminal, terminal && os.Getenv("NO_COLOR") == "")
}

func newProgressFor(w io.Writer, fancy, colours bool) *progress {
	p := &progress{w: w, fancy: fancy, colours: colours, quit: make(chan struct{})}
	if fancy {
		p.turned.Go(p.run)
	}
	return p
}

// run turns the mark until end.
func (p *progress) run() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-tick.C:
			p.mu.Lock()
			p.turn++
			p.show()
			p.mu.Unlock()
		}
	}
}

// show prints the line of the check that runs. The caller holds the lock.
func (p *progress) show() {
	if p.check != "" {
		fmt.Fprintf(p.w, "\r\x1b[K%s %s %ds", marks[p.turn%len(marks)], p.check,
			int(time.Since(p.began).Seconds()))
	}
}

func (p *progress) begin(check string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.check, p.began = check, time.Now()
	if p.fancy {
		p.show()
	}
}

func (p *progress) done(r verify.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := looks[r.State]
	detail := clean(r.Detail)
	if r.State == verify.Fault {
		detail = r.Fault + ": " + detail
	}
	if !p.fancy {
		fmt.Fprintf(p.w, "%-8s %-12s %s\n", l.word, r.Check, detail)
		return
	}
	mark := l.mark
	if p.colours {
		mark = "\x1b[" + l.colour + "m" + mark + "\x1b[0m"
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s %-12s %s\n", mark, r.Check, detail)
	p.show()
}

// end removes the line of the check that runs.
func (p *progress) end() {
	close(p.quit)
	p.turned.Wait()
	if p.fancy {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// IsTerminal reports whether a person reads the file.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
