package catalogue

import (
	"time"

	"github.com/roomcast/roomcast/notify"
)

// Maintenance tells everyone of planned or sudden maintenance. Type "maintenance" with the action in data, by
// default to all, priority medium, high in an emergency.
type Maintenance struct {
	MaintenanceID    string         `json:"maintenanceId"` // required
	Action           string         `json:"action"`        // required: scheduled, emergency or completed
	Title            string         `json:"title"`         // for people
	Message          string         `json:"message"`       // for people
	StartTime        time.Time      `json:"startTime"`
	EndTime          time.Time      `json:"endTime"` // expected
	AffectedServices []string       `json:"affectedServices"`
	URL              string         `json:"url"` // where to read more
	Data             map[string]any `json:"-"`   // further fields of data
	Metadata         map[string]any `json:"-"`   // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (m Maintenance) Build() (notify.Notification, notify.Target, error) { return build(m) }

// SecurityAlert warns of something. Type "security:alert" with the severity in data, by default to all, priority
// low, medium for high, high for critical.
type SecurityAlert struct {
	AlertID    string         `json:"alertId"`   // required
	Severity   string         `json:"severity"`  // required: low, medium, high or critical
	AlertType  string         `json:"alertType"` // what it is, such as "brute_force"
	Message    string         `json:"message"`   // for people
	UserID     string         `json:"userId"`    // whom it is about
	IP         string         `json:"ip"`        // where it came from
	DetectedAt time.Time      `json:"detectedAt"`
	URL        string         `json:"url"` // where to read more, or to act
	Data       map[string]any `json:"-"`   // further fields of data
	Metadata   map[string]any `json:"-"`   // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (s SecurityAlert) Build() (notify.Notification, notify.Target, error) { return build(s) }

func systemKinds() []Kind {
	return []Kind{
		{
			Name: "maintenance", GoType: "Maintenance", Function: "sendMaintenanceNotification",
			Doc:    "Maintenance is planned, starts at once, or is over.",
			Type:   "maintenance",
			ID:     ownID("maintenanceId", "The maintenance, the same from scheduled to completed."),
			Status: one("action", "What is with it.", "scheduled", "emergency", "completed"),
			Fields: []Field{
				text("title", "For people."),
				text("message", "For people."),
				instant("startTime", "When it starts."),
				instant("endTime", "When it is expected to be over."),
				labels("affectedServices", "Which ones."),
				link("url", "Where to read more."),
			},
			Target:   TargetRule{All: true},
			Category: "maintenance", Source: "system", System: true,
			Priority: PriorityMedium, Priorities: priorities("emergency", PriorityHigh),
		},
		{
			Name: "security-alert", GoType: "SecurityAlert", Function: "sendSecurityAlertNotification",
			Doc:    "A warning.",
			Type:   "security:alert",
			ID:     ownID("alertId", "The alert."),
			Status: one("severity", "How bad it is.", "low", "medium", "high", "critical"),
			Fields: []Field{
				label("alertType", "What it is, such as brute_force."),
				text("message", "For people."),
				userID("userId", "Whom it is about."),
				{Name: "ip", Type: TypeString, MaxLen: 64, Doc: "Where it came from."},
				instant("detectedAt", "When it was seen."),
				link("url", "Where to read more, or to act."),
			},
			Target:   TargetRule{All: true},
			Category: "security", Source: "system", System: true,
			Priority: PriorityLow, Priorities: priorities("critical", PriorityHigh, "high", PriorityMedium),
		},
	}
}
