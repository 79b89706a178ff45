package notify

// The share of one holder in a bounded memory. When the memory is full, the Hub drops the oldest
// entries of holders above their share before those of others.
const (
	historyShare = 4  // a room: a quarter of Options.HistoryMaxBytes
	sessionShare = 10 // a user or an address: a tenth of Options.MaxSessions or MaxSessionBytes
)
