package notify

// History returns up to limit messages (0: Options.MaxReplay, which is also the most) that the hub rooms keep after
// since, each once, oldest first: the zero Cursor asks for the newest, All for the oldest. gap says that messages
// after since may be missing.
func (h *Hub) History(hubRooms []string, since Cursor, limit int) (messages []*Message, gap bool) {
	return nil, false
}
