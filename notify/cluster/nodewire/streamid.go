package nodewire

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/roomcast/roomcast/notify"
)

// StreamEpoch is the Epoch of the ids of a stream, which keep their order over all losses.
const StreamEpoch = math.MaxUint32

// indexBits is the size of the second number of a stream's id in ID.Seq. The rest has space for
// milliseconds until the year 2109.
const indexBits = 22

// StreamID reads the id that a stream gives its entries, such as 1795862270696-0: milliseconds, and
// the index among the entries of one millisecond.
func StreamID(text string) (notify.ID, error) {
	first, second, _ := strings.Cut(text, "-")
	ms, err1 := strconv.ParseUint(first, 10, 64-indexBits)
	index, err2 := strconv.ParseUint(second, 10, indexBits)
	id := notify.ID{Epoch: StreamEpoch, Seq: ms<<indexBits | index}
	if err1 != nil || err2 != nil || string(AppendStreamID(nil, id)) != text {
		return notify.ID{}, fmt.Errorf("stream id %.40q: expected <milliseconds>-<number below %d>",
			text, 1<<indexBits)
	}
	return id, nil
}

// AppendStreamID appends the text form of a stream's id.
func AppendStreamID(dst []byte, id notify.ID) []byte {
	dst = strconv.AppendUint(dst, id.Seq>>indexBits, 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, id.Seq&(1<<indexBits-1), 10)
}
