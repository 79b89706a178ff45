package socketio

import (
	"fmt"
	"os"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestMain(m *testing.M) {
	if os.Getenv(floodEnv) != "" { // see TestFloodCostsLittle
		if err := flood(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	servertest.Main(m)
}
