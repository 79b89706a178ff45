package catalogue

import (
	"time"

	"github.com/roomcast/roomcast/notify"
)

// UserSession tells a user of the own sign-ins. Type "user:<action>", by default to the user UserID, priority low,
// high when the password was changed.
type UserSession struct {
	UserID    string         `json:"userId"`    // required
	Action    string         `json:"action"`    // required: login, logout, session_expired or password_changed
	SessionID string         `json:"sessionId"` // of the application, not a secret
	IP        string         `json:"ip"`        // where it came from
	UserAgent string         `json:"userAgent"`
	Reason    string         `json:"reason"`    // why, for people
	ExpiresAt time.Time      `json:"expiresAt"` // when the session ends
	Data      map[string]any `json:"-"`         // further fields of data
	Metadata  map[string]any `json:"-"`         // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (u UserSession) Build() (notify.Notification, notify.Target, error) { return build(u) }

// Achievement tells a user of something reached. Type "user:<achievement>", by default to the user UserID, priority
// medium.
type Achievement struct {
	UserID      string         `json:"userId"`      // required
	Achievement string         `json:"achievement"` // required: a name of yours, such as "level_up"
	Title       string         `json:"title"`       // for people
	Description string         `json:"description"` // for people
	Points      float64        `json:"points"`      // got for it. Give a 0 in Data
	Level       int            `json:"level"`       // reached
	BadgeURL    string         `json:"badgeUrl"`    // a picture
	Data        map[string]any `json:"-"`           // further fields of data
	Metadata    map[string]any `json:"-"`           // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (a Achievement) Build() (notify.Notification, notify.Target, error) { return build(a) }

func userKinds() []Kind {
	return []Kind{
		{
			Name: "user-session", GoType: "UserSession", Function: "sendUserSessionNotification",
			Doc:    "A user signed in or out, or has a new password.",
			Type:   "user:<action>",
			ID:     required(userID("userId", "Whose session it is.")),
			Status: one("action", "What was done.", "login", "logout", "session_expired", "password_changed"),
			Fields: []Field{
				label("sessionId", "Of the application, not a secret."),
				{Name: "ip", Type: TypeString, MaxLen: 64, Doc: "Where it came from."},
				{Name: "userAgent", Type: TypeString, MaxLen: 1024, Doc: "The browser's."},
				text("reason", "Why, for people."),
				instant("expiresAt", "When the session ends."),
			},
			Target:   TargetRule{User: "userId"},
			Category: "session", Source: "user-activity",
			Priority: PriorityLow, Priorities: priorities("password_changed", PriorityHigh),
		},
		{
			Name: "achievement", GoType: "Achievement", Function: "sendAchievementNotification",
			Doc:  "A user reached something.",
			Type: "user:<achievement>",
			ID:   required(userID("userId", "Who reached it.")),
			Status: Field{Name: "achievement", Type: TypeString, Required: true, MaxLen: 128 - len("user:"),
				Doc: "A name of yours, such as level_up: with it clients tell one from another."},
			Fields: []Field{
				text("title", "For people."),
				text("description", "For people."),
				number("points", "", "Got for it."),
				count("level", "", "Reached."),
				link("badgeUrl", "A picture."),
			},
			Target:   TargetRule{User: "userId"},
			Category: "achievement", Source: "user-activity",
			Priority: PriorityMedium,
		},
	}
}
