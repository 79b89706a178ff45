package catalogue

import (
	"time"

	"github.com/roomcast/roomcast/notify"
)

// UserSession is a sign-in, a sign-out or a new password of a user. Type "user:<action>", default
// target the user UserID, priority low, high for password_changed.
type UserSession struct {
	UserID string `json:"userId"` // required
	// required: login, logout, session_expired or password_changed
	Action    string         `json:"action"`
	SessionID string         `json:"sessionId"` // the application's id of the session; not a secret
	IP        string         `json:"ip"`        // the address of the client
	UserAgent string         `json:"userAgent"`
	Reason    string         `json:"reason"`    // a text for users
	ExpiresAt time.Time      `json:"expiresAt"` // the end of the session
	Data      map[string]any `json:"-"`         // more fields of data
	Metadata  map[string]any `json:"-"`         // more metadata
}

// Build implements notify.Typed.
func (u UserSession) Build() (notify.Notification, notify.Target, error) { return build(u) }

// Achievement is an achievement of a user. Type "user:<achievement>", default target the user
// UserID, priority medium.
type Achievement struct {
	UserID string `json:"userId"` // required
	// required: a name that you choose, such as "level_up"
	Achievement string         `json:"achievement"`
	Title       string         `json:"title"`       // a text for users
	Description string         `json:"description"` // a text for users
	Points      float64        `json:"points"`      // points for the achievement; for 0 use Data
	Level       int            `json:"level"`       // the new level
	BadgeURL    string         `json:"badgeUrl"`    // the address of a picture
	Data        map[string]any `json:"-"`           // more fields of data
	Metadata    map[string]any `json:"-"`           // more metadata
}

// Build implements notify.Typed.
func (a Achievement) Build() (notify.Notification, notify.Target, error) { return build(a) }

func userKinds() []Kind {
	return []Kind{
		{
			Name: "user-session", GoType: "UserSession", Function: "sendUserSessionNotification",
			Doc:  "A user signs in or out, or changes the password.",
			Type: "user:<action>",
			ID:   required(userID("userId", "The user of the session.")),
			Status: one("action", "The change.", "login", "logout", "session_expired",
				"password_changed"),
			Fields: []Field{
				label("sessionId", "The application's id of the session. Not a secret."),
				{Name: "ip", Type: TypeString, MaxLen: 64, Doc: "The address of the client."},
				{
					Name: "userAgent", Type: TypeString, MaxLen: 1024,
					Doc: "The user agent of the browser.",
				},
				text("reason", "The reason, a text for users."),
				instant("expiresAt", "The end of the session."),
			},
			Target:   TargetRule{User: "userId"},
			Category: "session", Source: "user-activity",
			Priority: PriorityLow, Priorities: priorities("password_changed", PriorityHigh),
		},
		{
			Name: "achievement", GoType: "Achievement", Function: "sendAchievementNotification",
			Doc:  "A user gets an achievement.",
			Type: "user:<achievement>",
			ID:   required(userID("userId", "The user.")),
			Status: Field{Name: "achievement", Type: TypeString, Required: true,
				MaxLen: 128 - len("user:"),
				Doc:    "A name that you choose, such as level_up. It is part of the type."},
			Fields: []Field{
				text("title", "A text for users."),
				text("description", "A text for users."),
				number("points", "", "Points for the achievement."),
				count("level", "", "The new level."),
				link("badgeUrl", "The address of a picture."),
			},
			Target:   TargetRule{User: "userId"},
			Category: "achievement", Source: "user-activity",
			Priority: PriorityMedium,
		},
	}
}
