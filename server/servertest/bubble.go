package servertest

import "testing"

// Bubble is the T of synctest.Test for rapid.Check, which asks a *testing.T for its deadline; the
// fake clock of a bubble has none.
type Bubble struct{ *testing.T }
