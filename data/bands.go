package data

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"opencarbon/data/imagery"
	"opencarbon/data/store"
)

// Bands names bands of a raster: numbers from 1 or the names that the file has for
// them, or the one word all. Numbers are written as numbers, so that a list of
// them alone looks like one.
type Bands []string

// BandNumbers are bands by number.
func BandNumbers(numbers ...int) (b Bands) {
	for _, n := range numbers {
		b = append(b, strconv.Itoa(n))
	}
	return b
}

// Numbers are the bands as numbers; false where one is a name.
func (b Bands) Numbers() ([]int, bool) {
	numbers := make([]int, len(b))
	for i, text := range b {
		n, err := strconv.Atoi(text)
		if err != nil || strconv.Itoa(n) != text {
			return nil, false
		}
		numbers[i] = n
	}
	return numbers, true
}

// All says whether all bands of the file are meant.
func (b Bands) All() bool { return len(b) == 1 && strings.EqualFold(b[0], imagery.AllBands) }

// Count is how many bands a picture will have; 0 where only the file tells.
func (b Bands) Count() int {
	if b.All() {
		return 0
	}
	return len(b)
}

func (b Bands) values() any {
	if b == nil {
		return []int(nil)
	}
	if b.All() {
		return imagery.AllBands
	}
	list := make([]any, len(b))
	for i, text := range b {
		list[i] = text
		if n, ok := (Bands{text}).Numbers(); ok {
			list[i] = n[0]
		}
	}
	return list
}

// MarshalJSON implements json.Marshaler.
func (b Bands) MarshalJSON() ([]byte, error) { return json.Marshal(b.values()) }

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bands) UnmarshalJSON(text []byte) error {
	return b.set(func(v any) error { return json.Unmarshal(text, v) })
}

// MarshalYAML implements yaml.Marshaler.
func (b Bands) MarshalYAML() (any, error) {
	var n yaml.Node
	if err := n.Encode(b.values()); err != nil {
		return nil, err
	}
	n.Style = yaml.FlowStyle
	return &n, nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (b *Bands) UnmarshalYAML(n *yaml.Node) error { return b.set(n.Decode) }

func (b *Bands) set(decode func(any) error) error {
	var one string
	if decode(&one) == nil && one != "" {
		*b = Bands{one}
		return nil
	}
	var list []any
	if err := decode(&list); err != nil {
		return err
	}
	*b = nil
	for _, v := range list {
		switch v := v.(type) {
		case int:
			*b = append(*b, strconv.Itoa(v))
		case float64: // JSON has no other numbers
			*b = append(*b, strconv.FormatFloat(v, 'f', -1, 64))
		case string:
			*b = append(*b, v)
		default:
			return &json.UnsupportedValueError{Str: "a band is a number or a name"}
		}
	}
	return nil
}

// ImageShape is that of the images that a mosaic becomes.
func ImageShape(n *imagery.Normalization) store.Shape {
	return imageShape(n.Size, len(n.Bands), n.Type)
}

func imageShape(size, bands int, kind string) store.Shape {
	pixel, _ := store.ParsePixel(kind) // imagery.Open has checked it
	return store.Shape{Size: size, Bands: bands, Pixel: pixel}
}
