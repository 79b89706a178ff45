package verify

import (
	"fmt"
	"time"
)

// State is how a check ended.
type State string

// The states.
const (
	OK      State = "ok"
	Fault   State = "fault"   // something must be changed
	Note    State = "note"    // worth knowing, and no fault
	Skipped State = "skipped" // not checked; Detail says why
)

// Result is what a check has found. A check may have several.
type Result struct {
	Check  string  `json:"check"`
	State  State   `json:"state"`
	Fault  string  `json:"fault,omitempty"` // its name, as in docs/verify.md
	Detail string  `json:"detail"`          // what was seen
	Advice *Advice `json:"advice,omitempty"`
	MS     int64   `json:"ms"` // since the check began
}

// Count is what a client on one transport received.
type Count struct {
	Transport  string `json:"transport"`
	Published  int    `json:"published"` // acknowledged by the server
	Received   int    `json:"received"`
	Lost       int    `json:"lost"`
	Doubled    int    `json:"doubled"`
	Reordered  int    `json:"reordered"`
	Reconnects int    `json:"reconnects"`
}

// Report is everything that was found.
type Report struct {
	URL      string   `json:"url"`
	OK       bool     `json:"ok"` // no fault, and complete
	Complete bool     `json:"complete"`
	Faults   int      `json:"faults"`
	Results  []Result `json:"results"`
	Counts   []Count  `json:"counts"`
}

// begin starts a check, to which the following results belong.
func (r *run) begin(check string) {
	r.check, r.began = check, time.Now()
	r.o.Begin(check)
}

func (r *run) result(state State, fault, format string, args ...any) {
	result := Result{Check: r.check, State: state, Fault: fault,
		Detail: fmt.Sprintf(format, args...), MS: time.Since(r.began).Milliseconds()}
	if state == Fault {
		advice := advices[fault]
		result.Advice = &advice
		r.report.Faults++
		r.faults[fault] = true
	}
	r.report.Results = append(r.report.Results, result)
	r.o.Done(result)
}

func (r *run) ok(format string, args ...any)   { r.result(OK, "", format, args...) }
func (r *run) note(format string, args ...any) { r.result(Note, "", format, args...) }
func (r *run) skip(format string, args ...any) { r.result(Skipped, "", format, args...) }

// fault reports a fault once: several transports can show the same one.
func (r *run) fault(name, format string, args ...any) {
	if !r.faults[name] {
		r.result(Fault, name, format, args...)
	}
}
