package catalogue

import (
	"time"

	"github.com/roomcast/roomcast/notify"
)

// Payment tells that a payment was made, failed or was given back. Type "payment:<status>", by default to the user
// CustomerID, priority normal, high when it failed.
type Payment struct {
	PaymentID   string         `json:"paymentId"`   // required
	Status      string         `json:"status"`      // required: pending, completed, failed or refunded
	CustomerID  string         `json:"customerId"`  // who pays: the user who is told
	Amount      float64        `json:"amount"`      // in the main unit of the currency: 9.99. Give a 0 in Data
	Currency    string         `json:"currency"`    // ISO 4217: "EUR"
	OrderID     string         `json:"orderId"`     // what was paid for
	Method      string         `json:"method"`      // such as "card"
	Description string         `json:"description"` // for people
	Reason      string         `json:"reason"`      // why it failed or was given back
	ReceiptURL  string         `json:"receiptUrl"`
	Data        map[string]any `json:"-"` // further fields of data
	Metadata    map[string]any `json:"-"` // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (p Payment) Build() (notify.Notification, notify.Target, error) { return build(p) }

// UserAccount tells that an account was made or changed. Type "user:<action>", by default to the user UserID,
// priority normal, high for deleted and suspended.
type UserAccount struct {
	UserID   string         `json:"userId"`   // required
	Action   string         `json:"action"`   // required: created, updated, deleted, suspended or activated
	Username string         `json:"username"` // the account's
	Email    string         `json:"email"`
	Reason   string         `json:"reason"` // why, for people
	Data     map[string]any `json:"-"`      // further fields of data
	Metadata map[string]any `json:"-"`      // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (u UserAccount) Build() (notify.Notification, notify.Target, error) { return build(u) }

// SystemHealth tells how a part of the system is. Type "system:<status>", by default to the channel
// "system-monitoring", priority low, medium for warning, high for critical.
type SystemHealth struct {
	SystemID  string         `json:"systemId"` // required: which part, such as "database"
	Status    string         `json:"status"`   // required: healthy, warning, critical or offline
	Message   string         `json:"message"`  // for people
	Metric    string         `json:"metric"`   // what was measured, such as "cpu"
	Value     float64        `json:"value"`    // of the metric, in its own unit. Give a 0 in Data
	Threshold float64        `json:"threshold"`
	Metrics   map[string]any `json:"metrics"`   // several metrics by name
	CheckedAt time.Time      `json:"checkedAt"` // when it was measured
	Data      map[string]any `json:"-"`         // further fields of data
	Metadata  map[string]any `json:"-"`         // further metadata; category, priority and source in place of the defaults
}

// Build implements Typed.
func (s SystemHealth) Build() (notify.Notification, notify.Target, error) { return build(s) }

func businessKinds() []Kind {
	return []Kind{
		{
			Name: "payment", GoType: "Payment", Function: "sendPaymentNotification",
			Doc:    "A payment was made, failed or was given back.",
			Type:   "payment:<status>",
			ID:     ownID("paymentId", "The payment."),
			Status: one("status", "What became of it.", "pending", "completed", "failed", "refunded"),
			Fields: []Field{
				userID("customerId", "Who pays: the user who is told."),
				number("amount", "", "In the main unit of the currency: 9.99."),
				{Name: "currency", Type: TypeString, MaxLen: 16, Doc: "ISO 4217: EUR."},
				label("orderId", "What was paid for."),
				label("method", "How it was paid, such as card."),
				text("description", "For people."),
				text("reason", "Why it failed or was given back."),
				link("receiptUrl", "Where the receipt is."),
			},
			Target:   TargetRule{User: "data.customerId"},
			Category: "payment", Source: "webhook",
			Priority: PriorityNormal, Priorities: priorities("failed", PriorityHigh),
		},
		{
			Name: "user-account", GoType: "UserAccount", Function: "sendUserAccountNotification",
			Doc:    "An account was made or changed.",
			Type:   "user:<action>",
			ID:     required(userID("userId", "Whose account it is.")),
			Status: one("action", "What was done.", "created", "updated", "deleted", "suspended", "activated"),
			Fields: []Field{
				label("username", "The account's name."),
				{Name: "email", Type: TypeString, MaxLen: 320, Doc: "The account's address."},
				text("reason", "Why, for people."),
			},
			Target:   TargetRule{User: "userId"},
			Category: "account", Source: "webhook",
			Priority: PriorityNormal, Priorities: priorities("deleted", PriorityHigh, "suspended", PriorityHigh),
		},
		{
			Name: "system-health", GoType: "SystemHealth", Function: "sendSystemHealthNotification",
			Doc:    "How a part of the system is.",
			Type:   "system:<status>",
			ID:     ownID("systemId", "Which part, such as database."),
			Status: one("status", "How it is.", "healthy", "warning", "critical", "offline"),
			Fields: []Field{
				text("message", "For people."),
				label("metric", "What was measured, such as cpu."),
				number("value", "", "Of the metric, in its own unit."),
				number("threshold", "", "Of the metric, in its own unit."),
				object("metrics", "Several metrics by name."),
				instant("checkedAt", "When it was measured."),
			},
			Target:   TargetRule{Channel: "system-monitoring"},
			Category: "system", Source: "system", System: true,
			Priority: PriorityLow, Priorities: priorities("critical", PriorityHigh, "warning", PriorityMedium),
		},
	}
}
