package catalogue

import "github.com/roomcast/roomcast/notify"

// Webhook is an event of another system. Type and Data are as given, source "webhook", default
// target all.
type Webhook struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // more metadata
}

// Build implements notify.Typed.
func (w Webhook) Build() (notify.Notification, notify.Target, error) { return build(w) }

// RealtimeUpdate is a change of something that clients show. Type and Data are as given, source
// "realtime-update", default target all.
type RealtimeUpdate struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // more metadata
}

// Build implements notify.Typed.
func (r RealtimeUpdate) Build() (notify.Notification, notify.Target, error) { return build(r) }

// UserActivity is an activity of a user. Type and Data are as given, source "user-activity",
// default target all.
type UserActivity struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // more metadata
}

// Build implements notify.Typed.
func (u UserActivity) Build() (notify.Notification, notify.Target, error) { return build(u) }

// System is an event of the system itself. Type and Data are as given, source "system", default
// target all.
type System struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // more metadata
}

// Build implements notify.Typed.
func (s System) Build() (notify.Notification, notify.Target, error) { return build(s) }

// Custom is any other event with the metadata of the catalogue. Type and Data are as given, no
// source, default target all.
type Custom struct {
	Type     string         `json:"type"` // required: the type that clients get
	Data     map[string]any `json:"-"`
	Metadata map[string]any `json:"-"` // more metadata
}

// Build implements notify.Typed.
func (c Custom) Build() (notify.Notification, notify.Target, error) { return build(c) }

func givenKinds() []Kind {
	given := func(name, goType, doc, category, source string) Kind {
		return Kind{
			Name: name, GoType: goType, Function: "send" + goType + "Notification", Doc: doc,
			Type: "<type>",
			Status: Field{
				Name: "type", Type: TypeString, Required: true, MaxLen: 128,
				Doc: "The type that clients get.",
			},
			Target:   TargetRule{All: true},
			Category: category, Source: source, System: source == "system",
			Priority: PriorityNormal,
		}
	}
	return []Kind{
		given("webhook", "Webhook", "An event of another system.", "webhook", "webhook"),
		given("realtime-update", "RealtimeUpdate", "A change of something that clients show.",
			"realtime", "realtime-update"),
		given("user-activity", "UserActivity", "An activity of a user.", "activity",
			"user-activity"),
		given("system", "System", "An event of the system itself.", "system", "system"),
		given("custom", "Custom", "Any other event, with the metadata of the catalogue.", "custom",
			""),
	}
}
