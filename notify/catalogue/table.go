package catalogue

import "slices"

// The values of metadata.priority. A backend may put any of them in place of the kind's own.
const (
	PriorityLow    = "low"
	PriorityMedium = "medium"
	PriorityNormal = "normal"
	PriorityHigh   = "high"
)

// Limits of the fields of the catalogue, in bytes.
const (
	maxID    = 200
	maxUser  = 128
	maxLabel = 200
	maxURL   = 2048
)

//go:generate go run ./typescript

// catalogue is the table that Kinds copies. It is never written to.
var catalogue = slices.Concat(businessKinds(), jobKinds(), contentKinds(), userKinds(), systemKinds(), givenKinds())

// Kinds returns the catalogue, in the order of its documentation. What it returns is yours: the slices and maps in
// it are made anew.
func Kinds() []Kind {
	return slices.Concat(businessKinds(), jobKinds(), contentKinds(), userKinds(), systemKinds(), givenKinds())
}

// lookUp returns the kind of that name, or nil. It is shared: do not write to it.
func lookUp(name string) *Kind {
	for i := range catalogue {
		if catalogue[i].Name == name {
			return &catalogue[i]
		}
	}
	return nil
}

// ownID is the domain's own id of a kind.
func ownID(name, doc string) Field {
	return Field{Name: name, Type: TypeString, Required: true, MaxLen: maxID, Doc: doc}
}

// userID is an id that is a user's.
func userID(name, doc string) Field {
	return Field{Name: name, Type: TypeString, MaxLen: maxUser, Doc: doc}
}

func required(f Field) Field {
	f.Required = true
	return f
}

// one is a status with the allowed values.
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

// count is an integer of at least 0.
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

// priorities is the map of Kind.Priorities: status, priority, status, priority …
func priorities(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		m[pair[0]] = pair[1]
	}
	return m
}
