package config

import (
	"bytes"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	mapKind    = reflect.Map
	stringKind = reflect.String
)

// YAML writes the config so that Load reads an equal one. Input paths are
// absolute, so the text may be moved; every key is there.
func (c *Config) YAML() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(c); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// defaultLeaves is Defaults by dotted key.
func defaultLeaves() map[string]any {
	out := map[string]any{}
	for _, s := range root.leaves() {
		if s.typ.Kind() != mapKind {
			v := lookup(reflect.ValueOf(Defaults()), s.key)
			if v.Kind() != reflect.Pointer || !v.IsNil() {
				out[s.key] = v.Interface()
			}
		}
	}
	return out
}

// lookup returns the field of a Config (or a pointer to one) by dotted key.
func lookup(v reflect.Value, key string) reflect.Value {
	v = reflect.Indirect(v)
	s := root
	for _, name := range strings.Split(key, ".") {
		for i, n := range s.order {
			if n == name {
				v, s = v.Field(i), s.children[name]
				break
			}
		}
	}
	return v
}

// canonical turns empty lists and maps into nil, so that equal configs compare
// equal whichever way they were written.
func canonical(c *Config) {
	for _, s := range root.leaves() {
		v := lookup(reflect.ValueOf(c), s.key)
		if k := v.Kind(); (k == reflect.Slice || k == reflect.Map) && v.Len() == 0 {
			v.SetZero()
		}
	}
}
