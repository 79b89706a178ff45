package catalogue

import "slices"

// The values of metadata.priority. A backend may set another one than the kind's default.
const (
	PriorityLow    = "low"
	PriorityMedium = "medium"
	PriorityNormal = "normal"
	PriorityHigh   = "high"
)

// The most bytes of fields.
const (
	maxID    = 200
	maxUser  = 128
	maxLabel = 200
	maxURL   = 2048
)

//go:generate go run ./typescript

// catalogue is a shared copy of Kinds. Nothing writes to it.
var catalogue = slices.Concat(businessKinds(), jobKinds(), contentKinds(), userKinds(),
	systemKinds(), givenKinds())

// Kinds returns all kinds, in the order of the documentation. The caller may change the result:
// each call returns new slices and maps.
func Kinds() []Kind {
	return slices.Concat(businessKinds(), jobKinds(), contentKinds(), userKinds(), systemKinds(),
		givenKinds())
}

// lookUp returns the kind of that name, or nil. Do not write to it: it is shared.
func lookUp(name string) *Kind {
	for i := range catalogue {
		if catalogue[i].Name == name {
			return &catalogue[i]
		}
	}
	return nil
}

// ownID returns the field for the application's id.
func ownID(name, doc string) Field {
	return Field{Name: name, Type: TypeString, Required: true, MaxLen: maxID, Doc: doc}
}

// userID returns a field for the id of a user.
func userID(name, doc string) Field {
	return Field{Name: name, Type: TypeString, MaxLen: maxUser, Doc: doc}
}

func required(f Field) Field {
	f.Required = true
	return f
}

// one returns a status with the allowed values.
func one(name, doc string, values ...string) Field {
	return Field{Name: name, Type: TypeString, Required: true, Enum: values, Doc: doc}
}

func label(name, doc string) Field {
	return Field{Name: name, Type: TypeString, MaxLen: maxLabel, Doc: doc}
}

func text(name, doc string) Field { return Field{Name: name, Type: TypeString, Doc: doc} }

func link(name, doc string) Field {
	return Field{Name: name, Type: TypeString, MaxLen: maxURL, Doc: doc}
}

func number(name, unit, doc string) Field {
	return Field{Name: name, Type: TypeNumber, Unit: unit, Doc: doc}
}

// count returns a field for an integer of at least 0.
func count(name, unit, doc string) Field {
	return Field{Name: name, Type: TypeInteger, Unit: unit, Min: new(float64), Doc: doc}
}

func percent(name, doc string) Field {
	most := 100.0
	return Field{Name: name, Type: TypeNumber, Unit: "%", Min: new(float64), Max: &most, Doc: doc}
}

func instant(name, doc string) Field { return Field{Name: name, Type: TypeTimestamp, Doc: doc} }

func object(name, doc string) Field { return Field{Name: name, Type: TypeObject, Doc: doc} }

func labels(name, doc string) Field {
	return Field{Name: name, Type: TypeArray, Items: TypeString, Doc: doc}
}

// priorities returns Kind.Priorities from pairs: status, priority, status, priority …
func priorities(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		m[pair[0]] = pair[1]
	}
	return m
}
