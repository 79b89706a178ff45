package nodewire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/roomcast/roomcast/notify"
)

// StreamID reads the id that a stream gives its entries, such as 1795862270696-0: milliseconds, and
// the index among the entries of one millisecond.
func StreamID(text string) (notify.ID, error) {
	first, second, _ := strings.Cut(text, "-")
	ms, err1 := strconv.ParseUint(first, 10, 64-notify.StreamBits)
	index, err2 := strconv.ParseUint(second, 10, notify.StreamBits)
	id := notify.ID{Epoch: notify.StreamEpoch, Seq: ms<<notify.StreamBits | index}
	if err1 != nil || err2 != nil || string(AppendStreamID(nil, id)) != text {
		return notify.ID{}, fmt.Errorf("stream id %.40q: expected <milliseconds>-<number below %d>",
			text, 1<<notify.StreamBits)
	}
	return id, nil
}

// AppendStreamID appends the text form of a stream's id.
func AppendStreamID(dst []byte, id notify.ID) []byte {
	dst = strconv.AppendUint(dst, id.Seq>>notify.StreamBits, 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, id.Seq&(1<<notify.StreamBits-1), 10)
}
