package catalogue

import "github.com/roomcast/roomcast/notify"

// Webhook passes on what another system told: Type and Data as given, source "webhook", by default to all.
type Webhook struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (w Webhook) Build() (notify.Notification, notify.Target, error) { return build(w) }

// RealtimeUpdate tells that something that is shown has changed: Type and Data as given, source "realtime-update",
// by default to all.
type RealtimeUpdate struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (r RealtimeUpdate) Build() (notify.Notification, notify.Target, error) { return build(r) }

// UserActivity tells what a user did: Type and Data as given, source "user-activity", by default to all.
type UserActivity struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (u UserActivity) Build() (notify.Notification, notify.Target, error) { return build(u) }

// System tells something of the system itself: Type and Data as given, source "system", by default to all.
type System struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (s System) Build() (notify.Notification, notify.Target, error) { return build(s) }

// Custom is anything else with the catalogue's metadata: Type and Data as given, no source, by default to all.
type Custom struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (c Custom) Build() (notify.Notification, notify.Target, error) { return build(c) }

func givenKinds() []Kind {
	given := func(name, goType, doc, category, source string) Kind {
		return Kind{
			Name: name, GoType: goType, Function: "send" + goType + "Notification", Doc: doc,
			Type:     "<type>",
			Status:   Field{Name: "type", Type: TypeString, Required: true, MaxLen: 128, Doc: "The type that clients get."},
			Target:   TargetRule{All: true},
			Category: category, Source: source, System: source == "system",
			Priority: PriorityNormal,
		}
	}
	return []Kind{
		given("webhook", "Webhook", "What another system told.", "webhook", "webhook"),
		given("realtime-update", "RealtimeUpdate", "Something that is shown has changed.", "realtime", "realtime-update"),
		given("user-activity", "UserActivity", "What a user did.", "activity", "user-activity"),
		given("system", "System", "Something of the system itself.", "system", "system"),
		given("custom", "Custom", "Anything else, with the metadata of the catalogue.", "custom", ""),
	}
}
