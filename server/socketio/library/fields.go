package library

import (
	"fmt"
	"reflect"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
)

// Three things that this package needs have no API in the library, so it reads them from unexported
// fields. Mount calls checkFields, which compares the fields with the version in go.mod.

var (
	fieldMiddlewares = fieldOf(reflect.TypeFor[socket.Socket](), "fns")
	fieldRecovered   = fieldOf(reflect.TypeFor[socket.Socket](), "recovered")
	fieldParents     = fieldOf(reflect.TypeFor[socket.Server](), "parentNsps")
)

type parents = types.Map[socket.ParentNspNameMatchFn, socket.ParentNamespace]

func fieldOf(t reflect.Type, name string) reflect.StructField {
	f, _ := t.FieldByName(name)
	return f
}

func checkFields() {
	for _, f := range []struct {
		field reflect.StructField
		want  reflect.Type
	}{
		{fieldMiddlewares, reflect.TypeFor[*types.Slice[socket.SocketMiddleware]]()},
		{fieldRecovered, reflect.TypeFor[bool]()},
		{fieldParents, reflect.TypeFor[*parents]()},
	} {
		if f.field.Type != f.want {
			panic(fmt.Sprintf("library: zishang520/socket.io lacks a field of type %v of v2.5.0",
				f.want))
		}
	}
}

// middlewaresOf returns the functions given to socket.Use. The library itself would run them on
// goroutines without order.
func middlewaresOf(s *socket.Socket) []socket.SocketMiddleware {
	fns := reflect.ValueOf(s).Elem().FieldByIndex(fieldMiddlewares.Index).UnsafePointer()
	return (*types.Slice[socket.SocketMiddleware])(fns).All()
}

// setRecovered corrects Socket.Recovered: the library sets it for every Socket whose id comes from
// RestoreSession. The caller must call it before any other goroutine has the Socket.
func setRecovered(s *socket.Socket, recovered bool) {
	field := reflect.ValueOf(s).Elem().FieldByIndex(fieldRecovered.Index)
	*(*bool)(field.Addr().UnsafePointer()) = recovered
}

func parentsIn(io *socket.Server) *parents {
	return (*parents)(reflect.ValueOf(io).Elem().FieldByIndex(fieldParents.Index).UnsafePointer())
}

// parentsOf counts the namespaces that were registered with a pattern or a function.
func parentsOf(io *socket.Server) int { return parentsIn(io).Len() }
