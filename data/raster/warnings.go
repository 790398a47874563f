package raster

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"opencarbon/data/label"
)

// warnings are what GDAL remarked while it did what it was asked for. It says the
// same of every block and every thread; each is kept once.
var warnings struct {
	sync.Mutex
	seen map[string]*remark // by the text without its numbers
}

type remark struct {
	first string
	times int
	order int
}

// maxWarnings bounds the different ones that are kept.
const maxWarnings = 50

var numbers = regexp.MustCompile(`[0-9]+`)

func warned(msg string) {
	kind := numbers.ReplaceAllString(msg, "#")
	warnings.Lock()
	defer warnings.Unlock()
	r := warnings.seen[kind]
	if r == nil {
		if len(warnings.seen) >= maxWarnings {
			return
		}
		if warnings.seen == nil {
			warnings.seen = map[string]*remark{}
		}
		r = &remark{first: msg, order: len(warnings.seen)}
		warnings.seen[kind] = r
	}
	r.times++
}

// Warnings returns what GDAL has remarked since it was last asked, in the order in
// which it did, each once however often it came: "so and so (and 99 more like it)".
func Warnings() []string {
	warnings.Lock()
	seen := warnings.seen
	warnings.seen = nil
	warnings.Unlock()
	var list []*remark
	for _, r := range seen {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *remark) int { return cmp.Compare(a.order, b.order) })
	var out []string
	for _, r := range list {
		text := label.Printable(r.first)
		if r.times > 1 {
			text += fmt.Sprintf(" (and %d more like it)", r.times-1)
		}
		out = append(out, text)
	}
	return out
}
