package poi

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/regular"
	"opencarbon/data/store"
)

// Table maps raw category values to the categories of the model. It is read
// from a YAML file:
//
//	categories:                     # the POI encoder's channels, in this order
//	  food:
//	    exact: [cafe, restaurant]   # the value itself
//	    prefix: ["coffee:"]         # values that begin so
//	    regex: ["(?i)bar$"]         # values that contain a match (Go's RE2 syntax)
//	  transport: [bus_stop]         # a list is short for exact
//	ignore:                         # left out on purpose; also a list or the three keys
//	  prefix: ["waste_"]
//	other: other                    # category of all else; without it such points are
//	                                # left out, counted, and listed as unmapped
//
// An exact entry goes before any prefix, a longer prefix before a shorter one,
// any prefix before a regular expression, and of those the first in the file
// decides (the categories' from top to bottom, then ignore's). Case matters;
// blanks at a value's ends do not, nor does how an accent is encoded. A value that is listed twice is an error.
type Table struct {
	Names []string // the categories, in the order of the file, other's last

	exact   map[string]int
	prefix  map[string]int
	longest int // bytes of the longest prefix
	regex   []struct {
		re *regexp.Regexp
		to int
	}
	other int
}

// What match says of values that belong to no category.
const (
	Unmapped = -1
	Ignored  = -2
)

// match is the number of a raw value's category, Ignored or Unmapped; listed says
// that an entry decided, and not other.
func (t *Table) match(value string) (to int, listed bool) {
	value = label.Of(value)
	if to, ok := t.exact[value]; ok {
		return to, true
	}
	for n := min(t.longest, len(value)); n > 0; n-- {
		if to, ok := t.prefix[value[:n]]; ok {
			return to, true
		}
	}
	for _, r := range t.regex {
		if r.re.MatchString(value) {
			return r.to, true
		}
	}
	return t.other, false
}

const tableHelp = "See the category table's form in the documentation of data.poi.categories: categories (name: {exact, prefix, regex}), ignore, other."

// maxTableBytes bounds the file: a category table is written by hand.
const maxTableBytes = 4 << 20

// LoadTable reads a category table from a file, or one that comes with the
// program: preset:osm, preset:amap, preset:tencent, preset:safegraph, and those
// of the presets' cities.
func LoadTable(path string) (*Table, error) {
	text, err := TableText(path)
	if err != nil {
		return nil, err
	}
	return ParseTable(path, text)
}

// TableText is the text that LoadTable reads.
func TableText(path string) ([]byte, error) {
	if strings.HasPrefix(path, tablePrefix) {
		return presetTable(path)
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxTableBytes {
		return nil, fault.New(path, fmt.Sprintf("is too big for a category table (%d bytes)", info.Size()), "Correct data.poi.categories.")
	}
	b, err := regular.Read(path, maxTableBytes)
	if err != nil {
		return nil, fault.Wrap(err, path, "the category table cannot be read", "Correct data.poi.categories.")
	}
	return b, nil
}

// ParseTable reads a category table from its text; path is for messages.
func ParseTable(path string, text []byte) (*Table, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fault.Wrap(err, path, "the category table is not valid YAML", tableHelp)
	}
	p := tableParser{path: path, t: Table{exact: map[string]int{}, prefix: map[string]int{}, other: Unmapped}}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fault.New(path, "the category table has no key categories", tableHelp)
	}
	if err := p.document(doc.Content[0]); err != nil {
		return nil, err
	}
	return &p.t, nil
}

type tableParser struct {
	path string
	t    Table
}

func (p *tableParser) fail(n *yaml.Node, format string, args ...any) error {
	return fault.New(fmt.Sprintf("%s: line %d", p.path, n.Line), fmt.Sprintf(format, args...), tableHelp)
}

func (p *tableParser) document(root *yaml.Node) error {
	keys, err := p.keys(root, "categories", "ignore", "other")
	if err != nil {
		return err
	}
	cats := keys["categories"]
	if cats == nil || cats.Kind != yaml.MappingNode || len(cats.Content) == 0 {
		return p.fail(root, "categories is missing or names none")
	}
	at := map[string]int{}
	for i := 0; i < len(cats.Content); i += 2 {
		name, err := p.text(cats.Content[i])
		if err != nil {
			return err
		}
		if _, twice := at[name]; twice || name == "" {
			return p.fail(cats.Content[i], "category %q is empty or listed twice", name)
		}
		at[name] = len(p.t.Names)
		p.t.Names = append(p.t.Names, name)
		if err := p.rules(cats.Content[i+1], at[name]); err != nil {
			return err
		}
	}
	if n := keys["ignore"]; n != nil {
		if err := p.rules(n, Ignored); err != nil {
			return err
		}
	}
	if n := keys["other"]; n != nil {
		name, err := p.text(n)
		if err != nil {
			return err
		}
		if name == "" {
			return p.fail(n, "other must name a category")
		}
		to, ok := at[name]
		if !ok {
			to = len(p.t.Names)
			p.t.Names = append(p.t.Names, name)
		}
		p.t.other = to
	}
	if len(p.t.Names) > store.MaxCategories-1 {
		return p.fail(cats, "%d categories are more than the %d that a store can tell apart", len(p.t.Names), store.MaxCategories-1)
	}
	return nil
}

// keys is a mapping's values by key; other keys than the known ones are errors.
func (p *tableParser) keys(n *yaml.Node, known ...string) (map[string]*yaml.Node, error) {
	m := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i].Value
		ok := false
		for _, w := range known {
			ok = ok || k == w
		}
		if !ok {
			return nil, p.fail(n.Content[i], "unknown key %q, expected one of %s", k, strings.Join(known, ", "))
		}
		if m[k] != nil {
			return nil, p.fail(n.Content[i], "key %q is given twice", k)
		}
		m[k] = resolve(n.Content[i+1])
	}
	return m, nil
}

// resolve follows a YAML alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (p *tableParser) text(n *yaml.Node) (string, error) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || !utf8.ValidString(n.Value) {
		return "", p.fail(n, "expected a text")
	}
	return label.Of(n.Value), nil
}

func (p *tableParser) rules(n *yaml.Node, to int) error {
	n = resolve(n)
	switch {
	case n.Kind == yaml.SequenceNode:
		return p.list(n, to, p.addExact)
	case n.Kind != yaml.MappingNode:
		return p.fail(n, "expected a list of values, or the keys exact, prefix, regex")
	}
	keys, err := p.keys(n, "exact", "prefix", "regex")
	if err != nil {
		return err
	}
	for _, k := range []struct {
		key string
		add func(*yaml.Node, string, int) error
	}{{"exact", p.addExact}, {"prefix", p.addPrefix}, {"regex", p.addRegex}} {
		if v := keys[k.key]; v != nil {
			if err := p.list(v, to, k.add); err != nil {
				return err
			}
		}
	}
	return nil
}

// list takes a sequence of texts, or a single one.
func (p *tableParser) list(n *yaml.Node, to int, add func(*yaml.Node, string, int) error) error {
	items := n.Content
	if n.Kind == yaml.ScalarNode {
		items = []*yaml.Node{n}
	} else if n.Kind != yaml.SequenceNode {
		return p.fail(n, "expected a list of texts")
	}
	for _, item := range items {
		s, err := p.text(item)
		if err != nil {
			return err
		}
		if err := add(item, s, to); err != nil {
			return err
		}
	}
	return nil
}

func (p *tableParser) addExact(n *yaml.Node, s string, to int) error {
	if _, twice := p.t.exact[s]; twice {
		return p.fail(n, "value %q is listed twice", s)
	}
	p.t.exact[s] = to
	return nil
}

func (p *tableParser) addPrefix(n *yaml.Node, s string, to int) error {
	if s == "" {
		return p.fail(n, "an empty prefix would match everything: use other")
	}
	if _, twice := p.t.prefix[s]; twice {
		return p.fail(n, "prefix %q is listed twice", s)
	}
	p.t.prefix[s] = to
	p.t.longest = max(p.t.longest, len(s))
	return nil
}

func (p *tableParser) addRegex(n *yaml.Node, s string, to int) error {
	re, err := regexp.Compile(s)
	if err != nil {
		return p.fail(n, "regular expression %q: %v", s, err)
	}
	p.t.regex = append(p.t.regex, struct {
		re *regexp.Regexp
		to int
	}{re, to})
	return nil
}
