package catalogue

import (
	"time"

	"github.com/roomcast/roomcast/notify"
)

// Payment is a change in the status of a payment. Type "payment:<status>", default target the user
// CustomerID, priority normal, high for failed.
type Payment struct {
	PaymentID string `json:"paymentId"` // required
	// required: pending, completed, failed or refunded
	Status     string `json:"status"`
	CustomerID string `json:"customerId"` // the user who pays
	// in the main unit, such as 9.99; for 0 use Data
	Amount      float64        `json:"amount"`
	Currency    string         `json:"currency"`    // ISO 4217: "EUR"
	OrderID     string         `json:"orderId"`     // the order that the payment is for
	Method      string         `json:"method"`      // such as "card"
	Description string         `json:"description"` // a text for users
	Reason      string         `json:"reason"`      // the reason of a failure or refund
	ReceiptURL  string         `json:"receiptUrl"`
	Data        map[string]any `json:"-"` // more fields of data
	Metadata    map[string]any `json:"-"` // more metadata
}

// Build implements notify.Typed.
func (p Payment) Build() (notify.Notification, notify.Target, error) { return build(p) }

// UserAccount is a change of an account. Type "user:<action>", default target the user UserID,
// priority normal, high for deleted and suspended.
type UserAccount struct {
	UserID string `json:"userId"` // required
	// required: created, updated, deleted, suspended or activated
	Action   string         `json:"action"`
	Username string         `json:"username"` // of the account
	Email    string         `json:"email"`
	Reason   string         `json:"reason"` // a text for users
	Data     map[string]any `json:"-"`      // more fields of data
	Metadata map[string]any `json:"-"`      // more metadata
}

// Build implements notify.Typed.
func (u UserAccount) Build() (notify.Notification, notify.Target, error) { return build(u) }

// SystemHealth is the state of a part of the system. Type "system:<status>", default target the
// channel "system-monitoring", priority low, medium for warning, high for critical.
type SystemHealth struct {
	SystemID  string         `json:"systemId"` // required: the part, such as "database"
	Status    string         `json:"status"`   // required: healthy, warning, critical or offline
	Message   string         `json:"message"`  // a text for users
	Metric    string         `json:"metric"`   // the name of the metric, such as "cpu"
	Value     float64        `json:"value"`    // of the metric, in its unit; for 0 use Data
	Threshold float64        `json:"threshold"`
	Metrics   map[string]any `json:"metrics"`   // several metrics by name
	CheckedAt time.Time      `json:"checkedAt"` // the time of the measurement
	Data      map[string]any `json:"-"`         // more fields of data
	Metadata  map[string]any `json:"-"`         // more metadata
}

// Build implements notify.Typed.
func (s SystemHealth) Build() (notify.Notification, notify.Target, error) { return build(s) }

func businessKinds() []Kind {
	return []Kind{
		{
			Name: "payment", GoType: "Payment", Function: "sendPaymentNotification",
			Doc:    "The status of a payment changes.",
			Type:   "payment:<status>",
			ID:     ownID("paymentId", "The id of the payment."),
			Status: one("status", "The new status.", "pending", "completed", "failed", "refunded"),
			Fields: []Field{
				userID("customerId", "The user who pays."),
				number("amount", "", "In the main unit of the currency, such as 9.99."),
				{Name: "currency", Type: TypeString, MaxLen: 16, Doc: "ISO 4217, such as EUR."},
				label("orderId", "The order that the payment is for."),
				label("method", "The method of payment, such as card."),
				text("description", "A text for users."),
				text("reason", "The reason of a failure or refund."),
				link("receiptUrl", "The address of the receipt."),
			},
			Target:   TargetRule{User: "data.customerId"},
			Category: "payment", Source: "webhook",
			Priority: PriorityNormal, Priorities: priorities("failed", PriorityHigh),
		},
		{
			Name: "user-account", GoType: "UserAccount", Function: "sendUserAccountNotification",
			Doc:  "An account changes.",
			Type: "user:<action>",
			ID:   required(userID("userId", "The user of the account.")),
			Status: one("action", "The change.", "created", "updated", "deleted", "suspended",
				"activated"),
			Fields: []Field{
				label("username", "The name of the account."),
				{
					Name: "email", Type: TypeString, MaxLen: 320,
					Doc: "The email address of the account.",
				},
				text("reason", "The reason, a text for users."),
			},
			Target:   TargetRule{User: "userId"},
			Category: "account", Source: "webhook",
			Priority:   PriorityNormal,
			Priorities: priorities("deleted", PriorityHigh, "suspended", PriorityHigh),
		},
		{
			Name: "system-health", GoType: "SystemHealth", Function: "sendSystemHealthNotification",
			Doc:    "The state of a part of the system.",
			Type:   "system:<status>",
			ID:     ownID("systemId", "The part, such as database."),
			Status: one("status", "The state.", "healthy", "warning", "critical", "offline"),
			Fields: []Field{
				text("message", "A text for users."),
				label("metric", "The name of the metric, such as cpu."),
				number("value", "", "Of the metric, in its unit."),
				number("threshold", "", "Of the metric, in its unit."),
				object("metrics", "Several metrics by name."),
				instant("checkedAt", "The time of the measurement."),
			},
			Target:   TargetRule{Channel: "system-monitoring"},
			Category: "system", Source: "system", System: true,
			Priority:   PriorityLow,
			Priorities: priorities("critical", PriorityHigh, "warning", PriorityMedium),
		},
	}
}
