package library

import (
	"fmt"
	"reflect"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
)

// The library has no API for three things that this package must know, so it reads them from fields that are not
// exported. checkFields holds the fields against the version that is required in go.mod, once, at Mount.

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
			panic(fmt.Sprintf("library: zishang520/socket.io has no field of type %v where v2.5.0 has one", f.want))
		}
	}
}

// middlewaresOf are the functions given to socket.Use, which the library itself would run on goroutines without order.
func middlewaresOf(s *socket.Socket) []socket.SocketMiddleware {
	fns := reflect.ValueOf(s).Elem().FieldByIndex(fieldMiddlewares.Index).UnsafePointer()
	return (*types.Slice[socket.SocketMiddleware])(fns).All()
}

// setRecovered corrects Socket.Recovered: the library takes every Socket whose id is given to it for a recovered one.
// It is called before any other goroutine knows the Socket.
func setRecovered(s *socket.Socket, recovered bool) {
	field := reflect.ValueOf(s).Elem().FieldByIndex(fieldRecovered.Index)
	*(*bool)(field.Addr().UnsafePointer()) = recovered
}

func parentsIn(io *socket.Server) *parents {
	return (*parents)(reflect.ValueOf(io).Elem().FieldByIndex(fieldParents.Index).UnsafePointer())
}

// parentsOf counts the namespaces that were registered with a pattern or a function.
func parentsOf(io *socket.Server) int { return parentsIn(io).Len() }
