package pickle

import (
	"errors"
	"fmt"
)

// common are the globals of Python itself that are plain data.
func common(module, name string) any {
	switch module + "." + name {
	case "collections.OrderedDict":
		return ClassFunc(newOrderedDict)
	case "collections.defaultdict":
		return ClassFunc(func(*Decoder, Tuple) (any, error) { return &Dict{}, nil })
	case "builtins.dict", "__builtin__.dict", "builtins.list", "__builtin__.list", "builtins.int", "__builtin__.int",
		"builtins.float", "__builtin__.float":
		return factory(name) // what a defaultdict makes; never called here
	case "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset":
		return ClassFunc(newSet)
	case "builtins.bytes", "__builtin__.bytes", "builtins.bytearray", "__builtin__.bytearray":
		return ClassFunc(newBytes)
	case "_codecs.encode":
		return ClassFunc(encodeLatin1)
	}
	return nil
}

type factory string

// newOrderedDict makes an OrderedDict, empty or (Python 2) of a list of pairs.
func newOrderedDict(d *Decoder, args Tuple) (any, error) {
	dict := &Dict{Ordered: true}
	if len(args) == 0 {
		return dict, nil
	}
	pairs, ok := args[0].(*List)
	if !ok || len(args) > 1 {
		return nil, errors.New("an OrderedDict is made of something else than a list of pairs")
	}
	if err := d.Take(32 * int64(len(pairs.Items))); err != nil {
		return nil, err
	}
	for _, p := range pairs.Items {
		switch p := p.(type) {
		case *List:
			if len(p.Items) == 2 {
				dict.Entries = append(dict.Entries, Entry{p.Items[0], p.Items[1]})
				continue
			}
		case Tuple:
			if len(p) == 2 {
				dict.Entries = append(dict.Entries, Entry{p[0], p[1]})
				continue
			}
		}
		return nil, errors.New("an OrderedDict is made of something else than a list of pairs")
	}
	return dict, nil
}

// newSet makes a set of a list (protocols below 4).
func newSet(_ *Decoder, args Tuple) (any, error) {
	if len(args) == 0 {
		return &List{}, nil
	}
	if list, ok := args[0].(*List); ok && len(args) == 1 {
		return list, nil
	}
	return nil, errors.New("a set is made of something else than a list")
}

// newBytes makes bytes() (empty, protocols 0 to 2), bytearray(bytes) and
// bytearray(text, "latin-1").
func newBytes(d *Decoder, args Tuple) (any, error) {
	switch len(args) {
	case 0:
		return &Bytes{}, nil
	case 1:
		if b, ok := args[0].(*Bytes); ok {
			return b, nil
		}
	case 2:
		return encodeLatin1(d, args)
	}
	return nil, errors.New("bytes are made of something else than bytes")
}

// encodeLatin1 is how Python 3 writes bytes in protocols 0 to 2: as the text
// whose code points are the bytes. Large ones are turned in place.
func encodeLatin1(d *Decoder, args Tuple) (any, error) {
	if len(args) != 2 {
		return nil, errors.New("_codecs.encode without its two arguments")
	}
	if enc, ok := args[1].(string); !ok || enc != "latin1" && enc != "latin-1" {
		return nil, fmt.Errorf("_codecs.encode to %s: only latin1 is read", Show(args[1]))
	}
	var text, out []byte
	switch s := args[0].(type) {
	case string:
		if err := d.Take(2*int64(len(s)) + 40); err != nil {
			return nil, err
		}
		text = []byte(s)
	case *Bytes:
		if !s.Text || s.gone {
			return nil, errors.New("_codecs.encode of something that is no text")
		}
		text = s.Data
		defer func() { s.Data, s.gone = nil, true }()
	default:
		return nil, errors.New("_codecs.encode of something that is no text")
	}
	out = text[:0]
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c < 0x80:
		case c&0xfe == 0xc2 && i+1 < len(text) && text[i+1]&0xc0 == 0x80: // U+0080 to U+00FF
			c = c<<6 | text[i+1]&0x3f
			i++
		default:
			return nil, errors.New("_codecs.encode of text beyond latin1")
		}
		out = append(out, c)
	}
	return &Bytes{Data: out}, nil
}
