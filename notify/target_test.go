package notify

import (
	"slices"
	"testing"
)

func TestTargetSubjects(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		target Target
		want   []string
	}{
		{Target{}, nil},
		{ToAll(), []string{"all"}},
		{ToUser("u1"), []string{"user:u1"}},
		{ToUsers("u1", "u2"), []string{"user:u1", "user:u2"}},
		{ToChannel("all"), []string{"channel:all"}},
		{ToChannels("a", "b"), []string{"channel:a", "channel:b"}},
		{ToClient("c"), []string{"client:c"}},
	} {
		if got := tc.target.Subjects(); !slices.Equal(got, tc.want) {
			t.Errorf("%v: %q, want %q", tc.target, got, tc.want)
		}
	}
}
