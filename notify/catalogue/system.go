package catalogue

import (
	"time"

	"github.com/roomcast/roomcast/notify"
)

// Maintenance is the schedule, the start or the end of maintenance. Type "maintenance" with the
// action in data, default target all, priority medium, high for emergency.
type Maintenance struct {
	MaintenanceID string `json:"maintenanceId"` // required
	// required: scheduled, emergency or completed
	Action           string         `json:"action"`
	Title            string         `json:"title"`   // a text for users
	Message          string         `json:"message"` // a text for users
	StartTime        time.Time      `json:"startTime"`
	EndTime          time.Time      `json:"endTime"` // the expected end
	AffectedServices []string       `json:"affectedServices"`
	URL              string         `json:"url"` // an address with more information
	Data             map[string]any `json:"-"`   // more fields of data
	Metadata         map[string]any `json:"-"`   // more metadata
}

// Build implements notify.Typed.
func (m Maintenance) Build() (notify.Notification, notify.Target, error) { return build(m) }

// SecurityAlert is a warning. Type "security:alert" with the severity in data, default target all,
// priority low, medium for high, high for critical.
type SecurityAlert struct {
	AlertID    string         `json:"alertId"`   // required
	Severity   string         `json:"severity"`  // required: low, medium, high or critical
	AlertType  string         `json:"alertType"` // such as "brute_force"
	Message    string         `json:"message"`   // a text for users
	UserID     string         `json:"userId"`    // the user in question
	IP         string         `json:"ip"`        // the address of the client
	DetectedAt time.Time      `json:"detectedAt"`
	URL        string         `json:"url"` // an address with more information or actions
	Data       map[string]any `json:"-"`   // more fields of data
	Metadata   map[string]any `json:"-"`   // more metadata
}

// Build implements notify.Typed.
func (s SecurityAlert) Build() (notify.Notification, notify.Target, error) { return build(s) }

func systemKinds() []Kind {
	return []Kind{
		{
			Name: "maintenance", GoType: "Maintenance", Function: "sendMaintenanceNotification",
			Doc:  "Maintenance is scheduled, starts at once, or is over.",
			Type: "maintenance",
			ID: ownID("maintenanceId",
				"The id of the maintenance, the same from scheduled to completed."),
			Status: one("action", "The state of the maintenance.", "scheduled", "emergency",
				"completed"),
			Fields: []Field{
				text("title", "A text for users."),
				text("message", "A text for users."),
				instant("startTime", "The start."),
				instant("endTime", "The expected end."),
				labels("affectedServices", "The names of the services."),
				link("url", "An address with more information."),
			},
			Target:   TargetRule{All: true},
			Category: "maintenance", Source: "system", System: true,
			Priority: PriorityMedium, Priorities: priorities("emergency", PriorityHigh),
		},
		{
			Name: "security-alert", GoType: "SecurityAlert",
			Function: "sendSecurityAlertNotification",
			Doc:      "A security warning.",
			Type:     "security:alert",
			ID:       ownID("alertId", "The id of the alert."),
			Status:   one("severity", "The severity.", "low", "medium", "high", "critical"),
			Fields: []Field{
				label("alertType", "Such as brute_force."),
				text("message", "A text for users."),
				userID("userId", "The user in question."),
				{Name: "ip", Type: TypeString, MaxLen: 64, Doc: "The address of the client."},
				instant("detectedAt", "The time of the detection."),
				link("url", "An address with more information or actions."),
			},
			Target:   TargetRule{All: true},
			Category: "security", Source: "system", System: true,
			Priority:   PriorityLow,
			Priorities: priorities("critical", PriorityHigh, "high", PriorityMedium),
		},
	}
}
