package nodewire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// object is an object as JSON.parse makes it.
type object = map[string]any

// stopsNode says why a Node server would throw while it processes an entry of the stream, and so
// read it for ever. It follows the adapter and socket.io-adapter: what cannot be parsed is skipped,
// what has an unknown type, too; then each type uses its members without a check.
func stopsNode(f Fields) string {
	if f.Namespace == "" {
		return ""
	}
	number, err := strconv.Atoi(f.Type)
	if err != nil || number < 3 || number > 12 {
		return ""
	}
	text := []byte(f.Data)
	if !strings.HasPrefix(f.Data, "{") {
		packed, err := base64.StdEncoding.DecodeString(f.Data)
		if err != nil {
			return ""
		}
		v, err := fromMsgpack("data", packed)
		if err != nil {
			return err.Error()
		}
		text = v.JSON
	}
	var data object
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber() // JavaScript takes numbers of any size
	if numbers.Decode(&data) != nil {
		return "what is no object"
	}
	return stopsWith(number, data)
}

func stopsWith(number int, data object) string {
	if number <= 7 {
		opts, _ := data["opts"].(object)
		_, rooms := opts["rooms"].([]any)
		_, except := opts["except"].([]any)
		_, flags := opts["flags"].(object)
		if !rooms || !except || !flags {
			return "opts"
		}
	}
	_, asked := data["requestId"].(string)
	switch number {
	case 3:
		packet, _ := data["packet"].(object)
		if event, _ := packet["data"].([]any); len(event) == 0 || packet["type"] != json.Number("2") {
			return "packet"
		} else if _, ok := event[0].(string); !ok {
			return "event"
		}
	case 4, 5:
		if _, ok := data["rooms"].([]any); !ok {
			return "rooms"
		}
	case 8:
		if _, ok := data["sockets"].([]any); !ok {
			return "sockets"
		}
	case 9:
		event, _ := data["packet"].([]any)
		if len(event) == 0 || event[0] == "error" || event[0] == "connection" {
			return "event"
		}
		return ""
	}
	if number >= 7 && !asked {
		return "requestId"
	}
	return ""
}
