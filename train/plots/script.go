package plots

import (
	"math"
	"strings"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// mixed writes texts whose letters come from several fonts.
type mixed struct{ text.Plain }

// run is a part of a line whose letters one font has; face is nil for the built-in.
type run struct {
	face *sfnt.Font
	text string
}

// runs divides a line as it is seen (visual) by the fonts that have its letters.
func runs(line string) (list []run) {
	for _, r := range visual(line) {
		var face *sfnt.Font
		if !builtin(r) {
			face = machine.with(r) // nil where none has it: the built-in font's box
		}
		if n := len(list); n > 0 && list[n-1].face == face {
			list[n-1].text += string(r)
		} else {
			list = append(list, run{face, string(r)})
		}
	}
	return list
}

// of is the run's font at the size of fnt.
func (h mixed) of(r run, fnt font.Font) font.Face {
	face := h.Fonts.Lookup(fnt, fnt.Size)
	if r.face != nil {
		face.Face = r.face
	}
	return face
}

// width is the room that a line takes.
func (h mixed) width(line string, fnt font.Font) (w vg.Length) {
	for _, r := range runs(line) {
		w += h.runWidth(r, fnt)
	}
	return w
}

// Box implements text.Handler.
func (h mixed) Box(txt string, fnt font.Font) (width, height, depth vg.Length) {
	_, height, depth = h.Plain.Box("", fnt)
	return h.width(txt, fnt), height, depth
}

// Draw implements text.Handler, as text.Plain does but for the fonts.
func (h mixed) Draw(c vg.Canvas, txt string, sty text.Style, pt vg.Point) {
	txt = strings.TrimRight(txt, "\n")
	if txt == "" {
		return
	}
	c.SetColor(sty.Color)
	if sty.Rotation != 0 {
		c.Push()
		c.Rotate(sty.Rotation)
		defer c.Pop()
	}
	s, k := math.Sincos(sty.Rotation)
	sin, cos := vg.Length(s), vg.Length(k)
	pt.X, pt.Y = pt.Y*sin+pt.X*cos, pt.Y*cos-pt.X*sin
	lines := h.Lines(txt)
	pt.Y += sty.Height(txt)*vg.Length(sty.YAlign) - h.Extents(sty.Font).Ascent
	for i, line := range lines {
		at := pt.Add(vg.Point{X: vg.Length(sty.XAlign) * h.width(line, sty.Font), Y: vg.Length(len(lines)-i) * sty.Font.Size})
		for _, r := range runs(line) {
			c.FillString(h.of(r, sty.Font), at, r.text)
			at.X += h.runWidth(r, sty.Font)
		}
	}
}

// runWidth is the room that a run takes.
func (h mixed) runWidth(r run, fnt font.Font) vg.Length {
	if r.face == nil {
		face := h.of(r, fnt)
		return face.Width(r.text)
	}
	var w vg.Length
	var b sfnt.Buffer // no kerning: tables of the machine's fonts may be of kinds that cannot be read
	ppem := fixed.Int26_6(r.face.UnitsPerEm())
	for _, c := range r.text {
		if i, err := r.face.GlyphIndex(&b, c); err == nil {
			if a, err := r.face.GlyphAdvance(&b, i, ppem, 0); err == nil {
				w += fnt.Size * vg.Length(float64(a)/float64(ppem))
			}
		}
	}
	return w
}

// visual is a line in the order in which it is seen from left to right: letters of
// scripts that run leftward turned around, the vowel signs of Indian scripts that
// stand before their consonant put there, Arabic letters in the forms that join, and
// marks that only steer (joiners, variation selectors) gone. It is no full
// typesetting: ligatures of Indian scripts are written out.
func visual(line string) string {
	in := []rune(line)
	plain := true
	for _, r := range in {
		plain = plain && (r < 0x300 || r >= 0x2E80 && r < 0xA000)
	}
	if plain {
		return line
	}
	var out []rune
	for _, r := range joined(in) {
		switch {
		case steers(r):
		case unicode.In(r, before) && len(out) > 0:
			at := len(out) - 1
			for at > 1 && unicode.In(out[at-1], viramas) { // of a cluster before the first
				at -= 2
			}
			out = append(out[:at], append([]rune{r}, out[at:]...)...)
		default:
			out = append(out, r)
		}
	}
	// Stretches of leftward letters, with the blanks between them, turn around.
	for i := 0; i < len(out); {
		if !leftward(out[i]) {
			i++
			continue
		}
		end := i + 1
		for j := i; j < len(out) && (leftward(out[j]) || unicode.IsSpace(out[j]) || unicode.IsMark(out[j])); j++ {
			if !unicode.IsSpace(out[j]) {
				end = j + 1
			}
		}
		for a, b := i, end-1; a < b; a, b = a+1, b-1 {
			out[a], out[b] = out[b], out[a]
		}
		i = end
	}
	return string(out)
}

func leftward(r rune) bool {
	return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// steers tells marks without a picture of their own.
func steers(r rune) bool {
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0x200B && r <= 0x200F || r >= 0x2060 && r <= 0x2064 || r == 0xFEFF
}

// before are vowel signs that stand to the left of the consonant that they follow.
var before = &unicode.RangeTable{R16: []unicode.Range16{{0x093F, 0x093F, 1}, {0x09BF, 0x09BF, 1}, {0x09C7, 0x09C8, 1}, {0x0A3F, 0x0A3F, 1},
	{0x0ABF, 0x0ABF, 1}, {0x0B47, 0x0B47, 1}, {0x0BC6, 0x0BC8, 1}, {0x0D46, 0x0D48, 1}}}

// viramas join the consonants of a cluster.
var viramas = &unicode.RangeTable{R16: []unicode.Range16{{0x094D, 0x094D, 1}, {0x09CD, 0x09CD, 1}, {0x0A4D, 0x0A4D, 1}, {0x0ACD, 0x0ACD, 1},
	{0x0B4D, 0x0B4D, 1}, {0x0BCD, 0x0BCD, 1}, {0x0C4D, 0x0C4D, 1}, {0x0CCD, 0x0CCD, 1}, {0x0D4D, 0x0D4D, 1}}}

// arabic are the first presentation forms (Unicode block FE70: isolated, final,
// initial, medial in this order) of the letters, and how many they have: those with
// two do not join to the next letter.
var arabic = map[rune]struct{ first, forms rune }{
	0x0621: {0xFE80, 1}, 0x0622: {0xFE81, 2}, 0x0623: {0xFE83, 2}, 0x0624: {0xFE85, 2}, 0x0625: {0xFE87, 2}, 0x0626: {0xFE89, 4}, 0x0627: {0xFE8D, 2},
	0x0628: {0xFE8F, 4}, 0x0629: {0xFE93, 2}, 0x062A: {0xFE95, 4}, 0x062B: {0xFE99, 4}, 0x062C: {0xFE9D, 4}, 0x062D: {0xFEA1, 4}, 0x062E: {0xFEA5, 4},
	0x062F: {0xFEA9, 2}, 0x0630: {0xFEAB, 2}, 0x0631: {0xFEAD, 2}, 0x0632: {0xFEAF, 2}, 0x0633: {0xFEB1, 4}, 0x0634: {0xFEB5, 4}, 0x0635: {0xFEB9, 4},
	0x0636: {0xFEBD, 4}, 0x0637: {0xFEC1, 4}, 0x0638: {0xFEC5, 4}, 0x0639: {0xFEC9, 4}, 0x063A: {0xFECD, 4}, 0x0641: {0xFED1, 4}, 0x0642: {0xFED5, 4},
	0x0643: {0xFED9, 4}, 0x0644: {0xFEDD, 4}, 0x0645: {0xFEE1, 4}, 0x0646: {0xFEE5, 4}, 0x0647: {0xFEE9, 4}, 0x0648: {0xFEED, 2}, 0x0649: {0xFEEF, 2},
	0x064A: {0xFEF1, 4},
}

// joined gives Arabic letters the forms that join, where a font has these.
func joined(in []rune) []rune {
	out := append([]rune(nil), in...)
	neighbor := func(i, step int) (rune, bool) {
		for i += step; i >= 0 && i < len(in); i += step {
			if !unicode.IsMark(in[i]) {
				_, ok := arabic[in[i]]
				return in[i], ok || in[i] == 0x0640
			}
		}
		return 0, false
	}
	for i, r := range in {
		letter, ok := arabic[r]
		if !ok {
			continue
		}
		previous, has := neighbor(i, -1)
		fromPrevious := has && (previous == 0x0640 || arabic[previous].forms == 4) && letter.forms > 1
		_, has = neighbor(i, 1)
		next, _ := neighbor(i, 1)
		toNext := has && letter.forms == 4 && (next == 0x0640 || arabic[next].forms > 1)
		form := letter.first
		switch {
		case fromPrevious && toNext:
			form += 3
		case toNext:
			form += 2
		case fromPrevious:
			form++
		}
		if builtin(form) || machine.with(form) != nil {
			out[i] = form
		}
	}
	return out
}
