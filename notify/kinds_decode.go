package notify

import "fmt"

// DecodeKind reads the body of POST /v1/notifications/{kind}: the kind's id and status, data, metadata, target,
// except, volatile and ttl. The error is a *ValidationError that names the field, what came and what is allowed.
func DecodeKind(kind string, body []byte) (Publication, error) {
	if _, ok := KindOf(kind); !ok {
		return Publication{}, &ValidationError{"kind", fmt.Sprintf("got %.64q, which the catalogue does not have", kind)}
	}
	return Publication{}, &ValidationError{"body", "is not read yet"}
}
