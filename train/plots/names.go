package plots

import (
	"fmt"
	"sync"
	"unicode"

	"golang.org/x/image/font/sfnt"
)

// Most letters that a picture has room for. A Chinese one takes the room of two.
const (
	titleRoom = 60 // a title or the label of an axis
	nameRoom  = 36 // a name beside a bar or in a legend
)

// shown is s as a picture can show it: letters that neither the built-in font nor
// one of the machine has would be blank and so all names alike; they stand as their
// Unicode numbers, <798F 7530>. What is longer than room loses its middle, since a
// title's end says what is drawn.
func shown(s string, room int) string {
	var out []rune
	missing := false
	for _, r := range s {
		if steers(r) && !missing { // it has no picture
			out = append(out, r)
			continue
		}
		lacks := !drawable(r)
		switch {
		case lacks && !missing:
			out = append(out, []rune(fmt.Sprintf("<%04X", r))...)
		case lacks:
			out = append(out, []rune(fmt.Sprintf(" %04X", r))...)
		case missing:
			out = append(out, '>', r)
		default:
			out = append(out, r)
		}
		if lacks {
			lacking.add(r)
		}
		missing = lacks
	}
	if missing {
		out = append(out, '>')
	}
	if cells(out) <= room {
		return string(out)
	}
	head, tail := 0, len(out)
	for n := 0; n+cells(out[head:head+1]) < room-room/2; head++ {
		n += cells(out[head : head+1])
	}
	for n := 0; n+cells(out[tail-1:tail]) <= room/2; tail-- {
		n += cells(out[tail-1 : tail])
	}
	return string(out[:head]) + "…" + string(out[tail:])
}

// cells is the room that letters take, that of a Latin one being 1.
func cells(s []rune) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.IsMark(r) || steers(r):
		case r >= 0x1100 && (r <= 0x115F || r >= 0x2E80 && r <= 0xD7A3 || r >= 0xF900 && r <= 0xFAFF || r >= 0xFF00 && r <= 0xFF60 || r >= 0x1F000 && r <= 0x3FFFF):
			n += 2
		default:
			n++
		}
	}
	return n
}

// roomOf is the room that a text takes.
func roomOf(s string) int { return cells([]rune(s)) }

func shownAll(s []string) []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = shown(s[i], nameRoom)
	}
	return out
}

// drawable tells whether a font has a glyph for r.
func drawable(r rune) bool { return builtin(r) || r >= ' ' && machine.with(r) != nil }

// builtin tells whether the built-in font has it.
func builtin(r rune) bool {
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

// letters are those that no font had.
type letters struct {
	mu     sync.Mutex
	all    map[rune]bool
	recent bool // since the last caption
}

var lacking letters

func (l *letters) add(r rune) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[rune]bool{}
	}
	l.all[r], l.recent = true, true
}

// caption says what the numbers in a picture are, once for each picture.
func (l *letters) caption() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.recent {
		return ""
	}
	l.recent = false
	return "<0000>: letters that no font here has, by their Unicode numbers"
}

// Lacking says what letters pictures of this process could not show, and what to do;
// empty where there are none.
func Lacking() string {
	lacking.mu.Lock()
	defer lacking.mu.Unlock()
	if len(lacking.all) == 0 {
		return ""
	}
	return fmt.Sprintf("pictures show %d letters of names as Unicode numbers, <798F>, since no font here has them: install one, such as the packages fonts-noto-cjk or fonts-noto-core",
		len(lacking.all))
}
