package plots

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// fontOf writes a font that draws each letter as Go's font draws another one: its
// tables with another index of letters (cmap, format 12: OpenType 1.9, "cmap").
func fontOf(t *testing.T, path string, letters map[rune]rune) {
	t.Helper()
	be := binary.BigEndian
	in := goregular.TTF
	n := int(be.Uint16(in[4:]))
	out := slices.Clone(in)
	var glyphs []uint32
	f := openFont(write(t, filepath.Join(t.TempDir(), "go.ttf"), in))
	if f == nil {
		t.Fatal("Go's font cannot be read")
	}
	var all []rune
	for r := range letters {
		all = append(all, r)
	}
	slices.Sort(all)
	for _, r := range all {
		i, err := f.GlyphIndex(nil, letters[r])
		if err != nil || i == 0 {
			t.Fatal(err)
		}
		glyphs = append(glyphs, uint32(i))
	}
	cmap := be.AppendUint16(nil, 0)
	cmap = be.AppendUint16(cmap, 1)
	cmap = be.AppendUint16(cmap, 3) // Windows,
	cmap = be.AppendUint16(cmap, 10)
	cmap = be.AppendUint32(cmap, 12)
	cmap = be.AppendUint16(cmap, 12)
	cmap = be.AppendUint16(cmap, 0)
	cmap = be.AppendUint32(cmap, uint32(16+12*len(all)))
	cmap = be.AppendUint32(cmap, 0)
	cmap = be.AppendUint32(cmap, uint32(len(all)))
	for k, r := range all {
		for _, v := range []uint32{uint32(r), uint32(r), glyphs[k]} {
			cmap = be.AppendUint32(cmap, v)
		}
	}
	for k := range n { // the table's place in the list of tables
		at := 12 + 16*k
		if string(in[at:at+4]) == "cmap" {
			be.PutUint32(out[at+8:], uint32(len(out)))
			be.PutUint32(out[at+12:], uint32(len(cmap)))
		}
	}
	write(t, path, append(out, cmap...))
}

// crooked moves all tables of a font one byte on, as some fonts have them.
func crooked(t *testing.T, path string) {
	t.Helper()
	be := binary.BigEndian
	in, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := 12 + 16*int(be.Uint16(in[4:]))
	out := append(slices.Clone(in[:at]), 0)
	for k := 12; k < at; k += 16 {
		be.PutUint32(out[k+8:], be.Uint32(in[k+8:])+1)
	}
	write(t, path, append(out, in[at:]...))
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Letters that the built-in font lacks are drawn by a font of the machine that has
// them; names differ then, where they were all blank.
func TestFontsOfTheMachine(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a-broken.ttf"), []byte("no font"))
	fontOf(t, filepath.Join(dir, "chinese.ttf"), map[rune]rune{'福': 'W', '田': 'i'})
	fontOf(t, filepath.Join(dir, "emoji.ttf"), map[rune]rune{'🏭': 'M'})
	crooked(t, filepath.Join(dir, "emoji.ttf"))
	withFonts(t, filepath.Join(dir, "none"), dir)
	if got := shown("福田 🏭️ ไ", nameRoom); got != "福田 🏭️ <0E44>" {
		t.Errorf("%q", got)
	}
	h := mixed{text.Plain{Fonts: font.DefaultCache}}
	style := font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(20)}
	wide, narrow, latin := h.width("福", style), h.width("田", style), h.width("W", style)
	if !(wide > 2*narrow && narrow > 0) || latin == 0 {
		t.Errorf("widths %v, %v, %v", wide, narrow, latin)
	}
	if w := h.width("福W田", style); w < wide+narrow+latin-1e-9 || w > wide+narrow+latin+1e-9 {
		t.Errorf("together %v", w)
	}
	lacking.caption() // of the letter above
	ink := func(name string) int {
		f := newFigure(200, 40, func(c draw.Canvas) {
			c.FillText(newPlot("", "", "").Title.TextStyle, vg.Point{X: 100, Y: 10}, name)
		})
		n := 0
		img := f.canvas.Image()
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				if r, g, b, _ := img.At(x, y).RGBA(); r+g+b < 3*0x8000 {
					n++
				}
			}
		}
		return n
	}
	if blank, one, two := ink(" "), ink("田"), ink("福"); !(blank < one && one < two) {
		t.Errorf("ink of a blank %d, of 田 %d, of 福 %d", blank, one, two)
	}
}

// A damaged font is none; it costs nothing else.
func FuzzFonts(f *testing.F) {
	f.Add(goregular.TTF[:4000])
	f.Add([]byte("ttcf\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x10"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if font := openFont(write(t, filepath.Join(t.TempDir(), "f.ttf"), b)); font != nil {
			has(font, 'a')
		}
	})
}

// What no font has stands as numbers, and caption and note say so.
func TestLacking(t *testing.T) {
	withFonts(t)
	shown("福", nameRoom)
	if got := lacking.caption(); !strings.Contains(got, "no font") {
		t.Errorf("caption %q", got)
	}
	if got := lacking.caption(); got != "" {
		t.Errorf("a picture without such letters is captioned %q", got)
	}
	if got := Lacking(); !strings.Contains(got, "fonts-noto") {
		t.Errorf("note %q", got)
	}
}

func TestVisual(t *testing.T) {
	dir := t.TempDir()
	forms := map[rune]rune{}
	for _, l := range arabic {
		for k := range l.forms {
			forms[l.first+k] = 'a'
		}
	}
	fontOf(t, filepath.Join(dir, "arabic.ttf"), forms)
	withFonts(t, dir)
	for _, c := range []struct{ name, in, want string }{
		{"Latin", "Zürich (shop)", "Zürich (shop)"},
		{"Chinese", "福田", "福田"},
		{"Hebrew runs leftward", "a \u05d0\u05d1\u05d2 \u05d3 b", "a \u05d3 \u05d2\u05d1\u05d0 b"},
		{"Arabic joins", "\u0633\u0648\u0642", "\ufed5\ufeee\ufeb3"},                 // suq: seen initial, waw final, qaf alone
		{"letters that do not join", "\u062f\u0627\u0631", "\ufead\ufe8d\ufea9"},     // dar: each alone
		{"four in a row", "\u0645\u0637\u0639\u0645", "\ufee2\ufecc\ufec4\ufee3"},    // mat'am
		{"a vowel sign before", "\u0926\u093f\u0932", "\u093f\u0926\u0932"},          // dil
		{"before a cluster", "\u0938\u094d\u0925\u093f", "\u093f\u0938\u094d\u0925"}, // sthi
		{"joiners go", "👨\u200d🏭\ufe0f", "👨🏭"},
	} {
		if got := visual(c.in); got != c.want {
			t.Errorf("%s: %+q, want %+q", c.name, got, c.want)
		}
	}
}

// No name keeps a picture from being drawn.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "福田区", "\u0645\u0637\u0639\u0645", "\u0938\u094d\u0925\u093f", "👨\u200d🏭", "\xff", "\u0301", "a\nb\x00", "\u202eabc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		withFonts(t)
		if got := cells([]rune(shown(s, nameRoom))); got > nameRoom+1 {
			t.Errorf("%q takes the room of %d", s, got)
		}
		visual(s)
	})
}
