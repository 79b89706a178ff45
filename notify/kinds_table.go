package notify

// Kinds returns the catalogue, in the order of its documentation. The slices and maps in it are yours.
func Kinds() []Kind {
	return []Kind{{
		Name: "payment", GoType: "Payment", Function: "sendPaymentNotification",
		Doc:    "A payment was made, or failed.",
		Type:   "payment:<status>",
		ID:     Field{Name: "paymentId", Type: TypeString, Required: true, Doc: "The payment.", MaxLen: 200},
		Status: Field{Name: "status", Type: TypeString, Required: true, Doc: "What became of it.", Enum: []string{"pending", "completed", "failed", "refunded"}},
		Fields: []Field{
			{Name: "customerId", Type: TypeString, Doc: "Who pays: the user who is told.", MaxLen: 128},
			{Name: "amount", Type: TypeNumber, Doc: "In the currency's main unit."},
			{Name: "currency", Type: TypeString, Doc: "ISO 4217.", MaxLen: 16},
		},
		Target:   TargetRule{User: "data.customerId"},
		Category: "payment", Source: "webhook",
		Priority: "normal", Priorities: map[string]string{"failed": "high"},
	}}
}
