package data

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/store"
)

// given is Build of a program without GDAL: it cannot build, and takes the store that
// is there if it was built by the same section. The inputs need not be there, so
// nothing says whether they have changed since. Errors are *fault.Input.
func (c *Config) given(ctx context.Context, o Options) (*Report, error) {
	if o.Force || o.outline {
		return nil, raster.Without()
	}
	r, why, err := existing(ctx, c.Store, o)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fault.New("data.store", fmt.Sprintf("names the folder %q: %s, and this program was built without GDAL, so that it cannot build one", c.Store, why),
			"Make the store with prepare on a machine with GDAL and copy its folder there, or name another one: --set data.store=DIR.")
	}
	s, err := store.Open(c.Store)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	different, err := c.differs(s.Meta())
	if err != nil {
		return nil, err
	}
	if table := o.tableFor(c); table != "" && table != s.Meta().CategoryTable {
		different = append(different, "the category table of the model's weights")
	}
	if len(different) > 0 {
		return nil, fault.New(c.Store, "was built from another data section than the config has, and this program was built without GDAL, so that it cannot build it anew: "+strings.Join(different, "; "),
			"Make the section what it was, or the store anew with prepare on a machine with GDAL.")
	}
	r.Reused = true
	return r, nil
}

// differs names the keys of the section, with both values, in which it is not the one
// that a store keeps, of those that change what a store holds.
func (c *Config) differs(m *store.Meta) ([]string, error) {
	var was Config
	if err := json.Unmarshal(m.Config, &was); err != nil {
		return nil, fault.New(c.Store, "the store does not say what it was built from", "Build it again with prepare on a machine with GDAL.")
	}
	old, err := was.flat()
	if err != nil {
		return nil, err
	}
	now, err := c.flat()
	if err != nil {
		return nil, err
	}
	var list []string
	for k := range now {
		if old[k] != now[k] {
			list = append(list, fmt.Sprintf("%s is %s and was %s", k, cmp.Or(now[k], "absent"), cmp.Or(old[k], "absent")))
		}
	}
	for k := range old {
		if now[k] == "" {
			list = append(list, fmt.Sprintf("%s is absent and was %s", k, old[k]))
		}
	}
	slices.Sort(list)
	return list, nil
}

// flat is what of the section changes a store, less nodata values: the values as JSON,
// by key ("data.grid.zoom", "data.rasters.0.path"). Of an absolute path only the last
// part counts: a store goes to other machines, and the files have other folders there.
func (c *Config) flat() (map[string]string, error) {
	key, _ := c.content()
	b, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	read := json.NewDecoder(bytes.NewReader(b))
	read.UseNumber() // as it was written
	var tree any
	if err := read.Decode(&tree); err != nil {
		return nil, err
	}
	out := map[string]string{}
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, below := range v {
				walk(key+"."+snake(k), below)
			}
		case []any:
			for i, below := range v {
				walk(fmt.Sprintf("%s.%d", key, i), below)
			}
		case string:
			if filepath.IsAbs(v) {
				v = filepath.Base(v)
			}
			out[key] = strconv.Quote(v)
		default:
			out[key] = fmt.Sprint(v)
		}
	}
	walk("data", tree)
	return out, nil
}

// snake is a field's name as experiment files have it: CellDegrees is cell_degrees.
func snake(name string) string {
	return strings.ToLower(wordStart.ReplaceAllString(name, "${1}_$2"))
}

var wordStart = regexp.MustCompile(`([a-z])([A-Z])`)
