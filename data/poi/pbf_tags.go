package poi

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"opencarbon/data/osm"
)

// tagger reads tags of one block.
type tagger struct {
	r     *pbfReader
	b     *osm.Block
	known []byte            // of each string: 0 not looked at yet, 1 no key of a category, 2 one
	seen  map[uint64][]byte // categories by key and value; nil: none
}

func newTagger(r *pbfReader, b *osm.Block) *tagger {
	return &tagger{r: r, b: b, known: make([]byte, len(b.Strings)), seen: map[uint64][]byte{}}
}

// category is what an object's tags make of it; false where it is no point of
// interest.
func (t *tagger) category(tags []uint32) (category []byte, ok bool, err error) {
	n, at := 0, 0
	for i := 0; i < len(tags); i += 2 {
		k := tags[i]
		if t.known[k] == 0 {
			t.known[k] = 1
			if t.r.keys[string(t.b.Strings[k])] {
				t.known[k] = 2
			}
		}
		if t.known[k] == 2 {
			n, at = n+1, i
		}
	}
	if n == 0 {
		return nil, false, nil
	}
	pair := uint64(tags[at])<<32 | uint64(tags[at+1])
	if n == 1 {
		if category, ok := t.seen[pair]; ok {
			return category, category != nil, nil
		}
	}
	some := map[string]string{}
	for i := 0; i < len(tags); i += 2 {
		if t.known[tags[i]] == 2 {
			some[string(t.b.Strings[tags[i]])] = string(t.b.Strings[tags[i+1]])
		}
	}
	s, ok := t.r.rule.category(some)
	if ok {
		if category, err = categoryText(s); err != nil {
			return nil, false, err
		}
	}
	if n == 1 {
		t.seen[pair] = category
	}
	return category, ok, nil
}

// wayTags are the tags of a way that relations are made of: all from which a
// category may come, or that it is an area. Of others OGR only needs to see that
// there is one.
func (t *tagger) wayTags(tags []uint32) (list []string) {
	other := false
	for i := 0; i < len(tags); i += 2 {
		k, v := string(t.b.Strings[tags[i]]), string(t.b.Strings[tags[i+1]])
		switch {
		case t.r.keys[k] || k == "area" || slices.Contains(areaKeys, k) || slices.Contains(areaKeys, k+"="+v):
			list = append(list, k, v)
		case !slices.Contains(unseenKeys, k):
			other = true
		}
	}
	if other {
		list = append(list, "name", "-")
	}
	return list
}

// closedArea says whether OGR takes a way for an area.
func (t *tagger) closedArea(w *osm.Way) bool {
	n, first, last := 0, int64(0), int64(0)
	if !osm.Deltas(w.Refs, func(id int64) {
		if n == 0 {
			first = id
		}
		n, last = n+1, id
	}) || n < 2 || first != last {
		return false
	}
	is := false
	for i := 0; i < len(w.Tags); i += 2 {
		k, v := string(t.b.Strings[w.Tags[i]]), string(t.b.Strings[w.Tags[i+1]])
		if k == "area" && (v == "yes" || v == "no") {
			return v == "yes"
		}
		is = is || slices.Contains(areaKeys, k) || slices.Contains(areaKeys, k+"="+v)
	}
	return is
}

// relation takes from a relation's tags what OGR needs to see; ok is false where it
// does not stand for an area.
func (t *tagger) relation(m *osm.Relation) (tags []string, wanted, ok bool, err error) {
	own := false // has tags that OGR takes for the relation's
	for i := 0; i < len(m.Tags); i += 2 {
		k, v := string(t.b.Strings[m.Tags[i]]), string(t.b.Strings[m.Tags[i+1]])
		switch {
		case k == "type":
			ok = v == "multipolygon" || v == "boundary"
			tags = append(tags, k, v)
		case t.r.keys[k]:
			own = true
			tags = append(tags, k, v)
		case k != "created_by":
			own = true
		}
	}
	if own {
		tags = append(tags, "name", "-")
	}
	if !ok {
		return nil, false, false, nil
	}
	_, named, err := t.category(m.Tags)
	return tags, named || !own, true, err
}

// categoryText is a category as OGR's reader gives it.
func categoryText(s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return nil, errors.New("a category is no text")
	}
	return []byte(s), nil
}
