package library

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// few is the largest number of clients with separate parts in a scenario. In a scenario with more
// clients, all do the same.
const few = 9

// sight is what handlers and clients saw in a scenario: a line of recording.jsonl, or the result of
// a run.
type sight struct {
	Name  string
	Seen  [][]string // by handlers: one list for each client, or for each different result
	Got   [][]string // packets that each client read; nil: not compared
	Rooms []string   // events of the rooms of "/"
}

// sight returns what this run saw, in the form of the recording.
func (r *nodeRun) sight() (found sight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		found.Seen = append(found.Seen, r.seen[c.user])
		found.Got = append(found.Got, c.packets())
	}
	for _, words := range r.rooms {
		for i, word := range words {
			if user, known := r.users[word]; known {
				words[i] = user
			}
		}
		found.Rooms = append(found.Rooms, strings.Join(words, " "))
	}
	return found
}

// canonical sorts the keys of JSON objects in packets.
func (found sight) canonical(t *testing.T) [][]string {
	lists := make([][]string, len(found.Got))
	for i, list := range found.Got {
		for _, packet := range list {
			at := strings.IndexAny(packet, "[{")
			if at >= 0 && !strings.Contains(packet, `"sid":*`) {
				packet = packet[:at] + servertest.Sorted(t, packet[at:])
			}
			lists[i] = append(lists[i], packet)
		}
	}
	return lists
}

// compare compares the result of a run with the recording.
func (found sight) compare(t *testing.T, sc scenario, want sight) {
	t.Helper()
	if t.Failed() {
		return
	}
	if sc.Clients <= few {
		compareLists(t, "handlers", found.Seen, want.Seen)
		if want.Got != nil {
			compareLists(t, "clients", found.canonical(t), want.canonical(t))
		}
		if sc.Rooms {
			compareLists(t, "rooms", byRoom(found.Rooms), byRoom(want.Rooms))
		}
		return
	}
	// Many clients do the same, so each result must equal one of the recorded lists.
	if sc.Missing {
		want.Seen, want.Got = append(want.Seen, nil), append(want.Got, nil)
	}
	if sc.Also != "" {
		reason := regexp.MustCompile(`^(disconnecting|disconnect) \w+ \w+ `)
		for _, list := range want.Seen {
			also := slices.Clone(list)
			for i, line := range also {
				also[i] = reason.ReplaceAllString(line, "$1 "+sc.Also+" ")
			}
			want.Seen = append(want.Seen, also)
		}
	}
	compareEach(t, "handlers", found.Seen, want.Seen)
	compareEach(t, "clients", found.Got, want.Got)
}

func compareLists(t *testing.T, who string, found, want [][]string) {
	t.Helper()
	if !slices.EqualFunc(found, want, slices.Equal) {
		t.Errorf("%s saw\n%q, of a Node server\n%q", who, found, want)
	}
}

func compareEach(t *testing.T, who string, found, want [][]string) {
	t.Helper()
	others := map[string]int{}
	for _, list := range found {
		if !slices.ContainsFunc(want, func(l []string) bool { return slices.Equal(l, list) }) {
			others[strings.Join(list, " | ")]++
		}
	}
	for list, n := range others {
		t.Errorf("%s saw %d times\n%q, of a Node server\n%q", who, n, list, want)
	}
}

// byRoom splits the events of rooms by room, sorted by name. Only the order of the events of one
// room matters.
func byRoom(events []string) (lists [][]string) {
	rooms := map[string][]string{}
	for _, event := range events {
		name := strings.Fields(event)[1]
		rooms[name] = append(rooms[name], event)
	}
	names := make([]string, 0, len(rooms))
	for name := range rooms {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		lists = append(lists, rooms[name])
	}
	return lists
}
