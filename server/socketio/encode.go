package socketio

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/roomcast/roomcast/notify"
)

// encodePacket returns the wire form of a packet: its text and its attachments. An event or an
// acknowledgement with binary values becomes the binary kind.
func encodePacket(
	kind byte, namespace string, id *uint64, data any,
) (text []byte, attachments [][]byte, err error) {
	kind, body, attachments, err := encodeData(kind, data)
	if err != nil {
		return nil, nil, err
	}
	text = appendHeader(nil, kind, len(attachments), namespace, id)
	return append(text, body...), attachments, nil
}

// encodeData returns the JSON of a packet, empty for nil, its attachments, and its kind with them.
func encodeData(kind byte, data any) (byte, []byte, [][]byte, error) {
	var attachments [][]byte
	if kind == kindEvent || kind == kindAck {
		var err error
		if data, err = detach(data, placeholders(&attachments)); err != nil {
			return 0, nil, nil, err
		}
		if args, ok := data.([]any); kind == kindAck && (!ok || args == nil) {
			data = []any{}
		}
		if len(attachments) > 0 {
			kind += kindBinaryEvent - kindEvent
		}
	}
	if data == nil {
		return kind, nil, nil, nil
	}
	body, err := marshal(data)
	return kind, body, attachments, err
}

// appendHeader appends the part of a packet before its JSON.
func appendHeader(dst []byte, kind byte, attachments int, namespace string, id *uint64) []byte {
	dst = append(dst, kind)
	if attachments > 0 {
		dst = strconv.AppendInt(dst, int64(attachments), 10)
		dst = append(dst, '-')
	}
	if namespace != "" && namespace != notify.RootNamespace {
		dst = append(dst, namespace...)
		dst = append(dst, ',')
	}
	if id != nil {
		dst = strconv.AppendUint(dst, *id, 10)
	}
	return dst
}

// marshal is json.Marshal without the escaping of <, > and &, which only makes packets longer.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), nil
}

// detach replaces every binary value in v by the result of replace, in the order of the JSON text.
// It copies values and changes none: the caller may pass the same arguments to several namespaces.
func detach(v any, replace func([]byte) any) (any, error) {
	switch t := v.(type) {
	case json.Marshaler:
		return v, nil
	case []byte:
		return replace(bytes.Clone(t)), nil
	case interface{ Bytes() []byte }: // a buffer, which must stay readable for the next packet
		return replace(bytes.Clone(t.Bytes())), nil
	case *strings.Reader:
		text, err := io.ReadAll(t)
		return string(text), err
	case io.Reader:
		data, err := io.ReadAll(t)
		if err != nil {
			return nil, fmt.Errorf("read binary value: %w", err)
		}
		return replace(data), nil
	case []any:
		out := make([]any, len(t))
		for i, item := range t {
			var err error
			if out[i], err = detach(item, replace); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(t))
		for _, key := range slices.Sorted(maps.Keys(t)) {
			var err error
			if out[key], err = detach(t[key], replace); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// placeholders returns a function for detach that collects attachments and returns their numbered
// placeholders.
func placeholders(attachments *[][]byte) func([]byte) any {
	return func(data []byte) any {
		raw := []byte(`{"_placeholder":true,"num":`)
		raw = strconv.AppendInt(raw, int64(len(*attachments)), 10)
		*attachments = append(*attachments, data)
		return json.RawMessage(append(raw, '}'))
	}
}

// encodeArgs sets the arguments of an emit: for EventSource with binary values as base64, for
// Socket.IO with attachments.
func encodeArgs(m *notify.Message, args []any) error {
	split, err := detach(args, placeholders(&m.Attachments))
	if err != nil {
		return err
	}
	if m.Args, err = marshal(split); err != nil || len(m.Attachments) == 0 {
		return err
	}
	m.BinaryArgs = m.Args
	next := 0
	inline, err := detach(args, func([]byte) any {
		next++
		return base64.StdEncoding.EncodeToString(m.Attachments[next-1])
	})
	if err != nil {
		return err
	}
	m.Args, err = marshal(inline)
	return err
}
