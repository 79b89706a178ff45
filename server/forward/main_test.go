package forward

import (
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }
