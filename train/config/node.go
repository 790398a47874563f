package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"opencarbon/data"
)

// leaf is one value that somebody gave.
type leaf struct {
	spec   *spec
	value  any
	where  string // "tokyo.yaml, line 12", "environment variable X", "--set x=y"
	origin origin
}

// problem is one thing wrong in a source.
type problem struct {
	where, what, remedy string
}

// reader collects the leaves and problems of one source.
type reader struct {
	place    func(line int) string // says where a line is
	origin   origin
	listText bool // a scalar may stand for a list: a,b (environment and --set)
	leaves   []leaf
	problems []problem
	merges   int // sections merged so far
}

func (r *reader) fail(n *yaml.Node, remedy, format string, args ...any) {
	r.problems = append(r.problems, problem{r.place(n.Line), fmt.Sprintf(format, args...), remedy})
}

// parseYAML returns the root node of text, or nil where the text is empty.
func parseYAML(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: a second document begins here; one file holds one experiment", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return doc.Content[0], nil
}

// read walks a node that must fit s.
func (r *reader) read(n *yaml.Node, s *spec) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // a key without a value is a key not given
	}
	if s.children == nil {
		r.readLeaf(n, s)
		return
	}
	if n.Kind == yaml.ScalarNode && s.key == publishedKey {
		r.readLeaf(n, s.children["dir"])
		return
	}
	if n.Kind != yaml.MappingNode {
		r.wrongType(n, s)
		return
	}
	r.pairs(n, s.key, func(k, v *yaml.Node) {
		child := s.children[k.Value]
		if child == nil && s == root && strings.HasPrefix(k.Value, "x-") {
			return // a place for anchors, as other programs have it
		}
		if child == nil {
			r.unknown(k, s)
			return
		}
		r.read(v, child)
	})
}

// pairs calls f for the entries of a mapping and reports duplicates. What a merge
// key brings in (<<: *base, or a list of such) counts where the mapping does not
// have the key itself; of a list the first goes before (yaml.org/type/merge.html).
func (r *reader) pairs(n *yaml.Node, key string, f func(k, v *yaml.Node)) {
	r.merge(n, key, map[string]int{}, 0, f)
}

// Merges within merges are bounded: an alias may hold itself, and lists of lists of
// aliases multiply.
const (
	mergeDepth = 16
	mostMerges = 1000 // of a file
)

func (r *reader) merge(n *yaml.Node, key string, first map[string]int, depth int, f func(k, v *yaml.Node)) {
	var sources []*yaml.Node
	own := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Tag == "!!merge" {
			if v.Kind == yaml.SequenceNode {
				sources = append(sources, v.Content...)
			} else {
				sources = append(sources, v)
			}
			continue
		}
		if line, dup := own[k.Value]; dup {
			r.fail(k, "Keep one of them.", "key %s is given twice (first in line %d)", join(key, k.Value), line)
			continue
		}
		own[k.Value] = k.Line
		if _, covered := first[k.Value]; !covered {
			first[k.Value] = k.Line
			f(k, v)
		}
	}
	for _, source := range sources {
		at := source
		if source.Kind == yaml.AliasNode {
			source = source.Alias
		}
		switch {
		case source.Kind != yaml.MappingNode:
			r.fail(at, "Write <<: *name of a section that has &name.", "a merge key takes a section, not %s", describe(source))
		case r.merges > mostMerges: // said already
			return
		case depth == mergeDepth || r.merges == mostMerges:
			r.merges = mostMerges + 1
			r.fail(at, "Write the keys out.", "sections are merged into one another too often")
		default:
			r.merges++
			r.merge(source, key, first, depth+1, f)
		}
	}
}

func (r *reader) unknown(k *yaml.Node, section *spec) {
	key := join(section.key, k.Value)
	r.fail(k, unknownRemedy(key, section), "unknown key %s", key)
}

// unknownRemedy names the nearest valid key, or else the keys of the section.
func unknownRemedy(key string, section *spec) string {
	if near := nearest(key); near != "" {
		return "Did you mean " + near + "?"
	}
	if section.key == "" {
		return "The sections are: " + strings.Join(section.order, ", ") + "."
	}
	return "Keys of " + section.key + ": " + strings.Join(section.order, ", ") + "."
}

func (r *reader) wrongType(n *yaml.Node, s *spec) {
	what := s.key
	if what == "" {
		what = "the file"
	}
	remedy := ""
	switch {
	case s.typ.Kind() == reflect.String && n.Kind == yaml.ScalarNode:
		remedy = fmt.Sprintf("Put it in quotes: %q.", n.Value)
	case s.typ.Kind() == reflect.Float64 && strings.Contains(n.Value, ","):
		remedy = "Write the decimal point as a point."
	}
	r.fail(n, remedy, "%s is %s, but %s is expected", what, describe(n), s.expects())
}

// describe says what a node is, quoting scalars.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	}
	v := n.Value
	if len(v) > 60 {
		v = v[:60] + "..."
	}
	return strconv.Quote(v)
}

func (r *reader) readLeaf(n *yaml.Node, s *spec) {
	v, ok := r.convert(n, s.typ)
	if !ok {
		r.wrongType(n, s)
		return
	}
	r.leaves = append(r.leaves, leaf{s, v, r.place(n.Line), r.origin})
}

// convert turns a node into a Go value of type t, strictly: 3.0 is no whole
// number and "yes" no truth value.
func (r *reader) convert(n *yaml.Node, t reflect.Type) (any, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch t.Kind() {
	case reflect.Slice:
		return r.convertList(n, t)
	case reflect.Map:
		if n.Kind != yaml.MappingNode {
			return nil, false
		}
		m, ok := map[string]string{}, true
		r.pairs(n, "", func(k, v *yaml.Node) {
			s, fits := r.convert(v, t.Elem())
			if !fits {
				ok = false
				return
			}
			m[k.Value] = s.(string)
		})
		return m, ok
	case reflect.Pointer:
		return r.convert(n, t.Elem())
	}
	if t.Kind() == reflect.Struct {
		return r.convertSection(n, t)
	}
	if n.Kind != yaml.ScalarNode {
		return nil, false
	}
	switch t.Kind() {
	case reflect.String:
		// A name such as 2018 or 27700 is text to whoever wrote it.
		if n.Tag == "!!bool" && !r.listText || n.Tag == "!!null" || n.Tag == "!!binary" {
			return nil, false
		}
		return n.Value, true
	case reflect.Int, reflect.Int64:
		var v int64
		n = decimal(n)
		if n.Tag != "!!int" || n.Decode(&v) != nil {
			return nil, false
		}
		if t.Kind() == reflect.Int {
			return int(v), int64(int(v)) == v
		}
		return v, true
	case reflect.Float64:
		var v float64
		n = decimal(n)
		if n.Tag != "!!int" && n.Tag != "!!float" || n.Decode(&v) != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, false
		}
		return v, true
	case reflect.Bool:
		var v bool
		if n.Tag != "!!bool" || n.Decode(&v) != nil {
			return nil, false
		}
		return v, true
	}
	return nil, false
}

// octal matches a number that YAML 1.1 reads with base 8: band 010 would be 8.
var octal = regexp.MustCompile(`^([-+]?)0+([0-9]+)$`)

// decimal reads such numbers as whoever wrote them: with base 10.
func decimal(n *yaml.Node) *yaml.Node {
	m := octal.FindStringSubmatch(n.Value)
	if m == nil || n.Tag != "!!int" && n.Tag != "!!float" {
		return n
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: m[1] + m[2], Line: n.Line, Column: n.Column}
}

// convertSection turns an entry of a list of sections into a struct of type t. What
// is wrong inside is reported there, so that the message has the line of it.
func (r *reader) convertSection(n *yaml.Node, t reflect.Type) (any, bool) {
	if n.Kind != yaml.MappingNode {
		return nil, false
	}
	s, out := newSpec("", t), reflect.New(t).Elem()
	r.pairs(n, "", func(k, v *yaml.Node) {
		child := s.children[k.Value]
		if child == nil && s == root && strings.HasPrefix(k.Value, "x-") {
			return // a place for anchors, as other programs have it
		}
		if child == nil {
			r.fail(k, "Keys of it: "+strings.Join(s.order, ", ")+".", "unknown key %s in an entry of a list", k.Value)
			return
		}
		if v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
			return
		}
		value, ok := r.convert(v, child.typ)
		if !ok {
			r.wrongType(v, child)
			return
		}
		field := out.Field(slices.Index(s.order, k.Value))
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		field.Set(reflect.ValueOf(value))
	})
	return out.Interface(), true
}

// bandsType is the type of lists that a single word may stand for.
var bandsType = reflect.TypeOf(data.Bands(nil))

func (r *reader) convertList(n *yaml.Node, t reflect.Type) (any, bool) {
	items := n.Content
	if n.Kind == yaml.ScalarNode && t == bandsType && !strings.Contains(n.Value, ",") {
		items = []*yaml.Node{n} // all, or the only one
	} else if n.Kind == yaml.ScalarNode && r.listText {
		items = nil
		for _, part := range strings.Split(n.Value, ",") {
			item, err := parseYAML([]byte(part))
			if err != nil || item == nil {
				return nil, false
			}
			items = append(items, item)
		}
	} else if n.Kind != yaml.SequenceNode {
		return nil, false
	}
	out := reflect.MakeSlice(t, 0, len(items))
	for _, item := range items {
		if t == bandsType {
			if item.Kind == yaml.AliasNode {
				item = item.Alias
			}
			if item = decimal(item); item.Tag != "!!int" && item.Tag != "!!str" || item.Value == "" {
				return nil, false
			}
		}
		v, ok := r.convert(item, t.Elem())
		if !ok {
			return nil, false
		}
		out = reflect.Append(out, reflect.ValueOf(v))
	}
	return out.Interface(), true
}
