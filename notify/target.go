package notify

// Subjects returns what the target names, each as "user:u1", "channel:orders", "client:<clientId>", or "all" for
// everyone: what permissions to publish are given for. It does not validate.
func (t Target) Subjects() []string {
	prefix := ""
	switch t.kind {
	case "all":
		return []string{"all"}
	case "user", "users":
		prefix = "user:"
	case "channel", "channels":
		prefix = "channel:"
	case "client":
		prefix = "client:"
	}
	subjects := make([]string, len(t.names))
	for i, name := range t.names {
		subjects[i] = prefix + name
	}
	return subjects
}

// IsZero reports whether t is nobody.
func (t Target) IsZero() bool { return t.kind == "" }

// Rooms returns the hub rooms of the target, each once, as History takes them. It does not validate.
func (t Target) Rooms() []string { return t.rooms() }
