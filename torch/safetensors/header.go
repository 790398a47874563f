package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// entry describes one array in the header.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// decodeEntry reads an array's description and holds it against the bytes of
// data that there are.
func decodeEntry(text []byte, body int64) (entry, []int, error) {
	var e entry
	if len(text) > maxEntry {
		return e, nil, fmt.Errorf("%d bytes of description", len(text))
	}
	if text[0] != '{' {
		return e, nil, errors.New("no object describes it")
	}
	err := members(text, func(name string, _ []byte) error {
		if name != "dtype" && name != "shape" && name != "data_offsets" {
			return fmt.Errorf("unknown field %q", name)
		}
		return nil
	})
	if err != nil {
		return e, nil, err
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return e, nil, err
	}
	shape := make([]int, len(e.Shape))
	for i, s := range e.Shape {
		shape[i] = int(s)
	}
	want, err := bytesOf(e.DType, shape)
	if err != nil {
		return e, nil, err
	}
	if b, end := e.Offsets[0], e.Offsets[1]; b < 0 || end < b || end > body || end-b != want {
		return e, nil, fmt.Errorf("offsets %d to %d do not fit %s %v in %d bytes of data", b, end, e.DType, e.Shape, body)
	}
	return e, shape, nil
}

func decodeMetadata(text []byte) (map[string]string, error) {
	out := map[string]string{}
	if text[0] != '{' {
		return nil, errors.New("__metadata__ is not an object")
	}
	err := members(text, func(name string, value []byte) error {
		if len(out) == MaxEntries {
			return fmt.Errorf("more than %d metadata keys", MaxEntries)
		}
		if _, twice := out[name]; twice {
			return fmt.Errorf("metadata key %q appears twice", name)
		}
		var v string
		if value[0] != '"' {
			return fmt.Errorf("metadata %q is not text", name)
		}
		if err := json.Unmarshal(value, &v); err != nil {
			return fmt.Errorf("metadata %q: %w", name, err)
		}
		out[name] = v
		return nil
	})
	return out, err
}

// members calls f for each member of the JSON object that text, known to be
// valid JSON, begins with. Unlike encoding/json it copies no values (a header
// may have 100 MiB) and lets no duplicate name pass unseen.
func members(text []byte, f func(name string, value []byte) error) error {
	at := space(text, 1)
	for text[at] != '}' {
		end := skip(text, at)
		name := string(text[at+1 : end-1])
		if bytes.IndexByte(text[at:end], '\\') >= 0 || !utf8.ValidString(name) {
			if err := json.Unmarshal(text[at:end], &name); err != nil {
				return err
			}
		}
		at = space(text, end)  // the colon
		at = space(text, at+1) // the value
		end = skip(text, at)
		if err := f(name, text[at:end]); err != nil {
			return err
		}
		if at = space(text, end); text[at] == ',' {
			at = space(text, at+1)
		}
	}
	return nil
}

func space(text []byte, at int) int {
	for text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r' {
		at++
	}
	return at
}

// skip returns the end of the value that begins at at.
func skip(text []byte, at int) int {
	depth := 0
	for i := at; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i // the end of the object around a number or a word
			}
			depth--
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

func bytesOf(dtype string, shape []int) (int64, error) {
	size, ok := sizes[dtype]
	if !ok {
		return 0, fmt.Errorf("unknown dtype %q", dtype)
	}
	total := int64(size)
	for _, s := range shape {
		if s < 0 || (s > 0 && total > math.MaxInt64/int64(s)) {
			return 0, fmt.Errorf("impossible shape %v", shape)
		}
		total *= int64(s)
	}
	return total, nil
}
