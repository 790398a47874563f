package plots

import (
	"fmt"
	"sync"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
)

// Most letters that a picture has room for.
const (
	titleRoom = 60 // a title or the label of an axis
	nameRoom  = 36 // a name beside a bar or in a legend
)

// shown is s as a picture can show it: letters that the built-in font lacks
// (Chinese, Thai, Arabic, emoji) would be blank and so all names alike; they stand
// as their Unicode numbers, <798F 7530>. What is longer than room loses its middle,
// since a title's end says what is drawn.
func shown(s string, room int) string {
	var out []rune
	missing := false
	for _, r := range s {
		switch lacks := !drawable(r); {
		case lacks && !missing:
			out = append(out, []rune(fmt.Sprintf("<%04X", r))...)
		case lacks:
			out = append(out, []rune(fmt.Sprintf(" %04X", r))...)
		case missing:
			out = append(out, '>', r)
		default:
			out = append(out, r)
		}
		missing = !drawable(r)
	}
	if missing {
		out = append(out, '>')
	}
	if len(out) <= room {
		return string(out)
	}
	tail := room / 2
	return string(out[:room-1-tail]) + "…" + string(out[len(out)-tail:])
}

func shownAll(s []string) []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = shown(s[i], nameRoom)
	}
	return out
}

var sans = sync.OnceValue(func() *sfnt.Font {
	f := plot.DefaultFont
	f.Variant = "Sans"
	return font.DefaultCache.Lookup(f, 12).Face
})

// drawable tells whether the built-in font has a glyph for r.
func drawable(r rune) bool {
	if r < ' ' {
		return false
	}
	if r <= '~' {
		return true
	}
	var b sfnt.Buffer
	i, err := sans().GlyphIndex(&b, r)
	return err == nil && i != 0
}
