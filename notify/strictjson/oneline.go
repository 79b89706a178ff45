package strictjson

import "bytes"

// OneLine returns a JSON text without line breaks: text itself if it has none, else a copy without
// the space between its tokens. Strings and numbers keep their bytes, because a string cannot
// contain a line break. OneLine does not check the text.
func OneLine(text []byte) []byte {
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	line := make([]byte, 0, len(text))
	for i := skipSpace(text, 0); i < len(text); i = skipSpace(text, i) {
		end := i + 1
		if text[i] == '"' {
			end = StringEnd(text, i)
		}
		line = append(line, text[i:end]...)
		i = end
	}
	return bytes.Clone(line) // its size, because the text may be mostly space
}

// StringEnd returns the index after the string that starts at i, or the end of the text if the
// string does not end.
func StringEnd(text []byte, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(text))
}
