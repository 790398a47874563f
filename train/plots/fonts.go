package plots

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
)

// The built-in font (Liberation Sans) has Latin, Greek, Cyrillic and Hebrew
// letters. Chinese, Japanese, Korean, Arabic, Thai, Devanagari and emoji would need
// tens of megabytes; they are taken from a font of the machine where one has them.

var sans = sync.OnceValue(func() *sfnt.Font {
	f := plot.DefaultFont
	f.Variant = "Sans"
	return font.DefaultCache.Lookup(f, 12).Face
})

// fontFolders are where machines keep their fonts. A test puts others in their place.
var fontFolders = func() []string {
	home, _ := os.UserHomeDir()
	var list []string
	add := func(parts ...string) {
		if parts[0] != "" {
			list = append(list, filepath.Join(parts...))
		}
	}
	add(os.Getenv("XDG_DATA_HOME"), "fonts")
	add(home, ".local/share/fonts")
	add(home, ".fonts")
	switch runtime.GOOS {
	case "windows":
		add(os.Getenv("WINDIR"), "Fonts")
	case "darwin":
		add(home, "Library/Fonts")
		list = append(list, "/Library/Fonts", "/System/Library/Fonts")
	}
	for _, dir := range filepath.SplitList(os.Getenv("XDG_DATA_DIRS")) {
		add(dir, "fonts")
	}
	return append(list, "/usr/local/share/fonts", "/usr/share/fonts")
}

// favorites are parts of the names of good fonts' files, best first: sans-serif,
// upright, of many letters.
var favorites = []string{"notosanscjk-regular", "notosanscjksc-regular", "notosanssc-regular", "sourcehansans", "wqy-microhei", "wqy-zenhei",
	"droidsansfallback", "pingfang", "hiragino", "msyh", "notosans-regular", "notosansarabic-regular", "notosansdevanagari-regular",
	"notosansthai-regular", "notoemoji", "symbola", "arial unicode", "arialuni", "dejavusans.ttf", "freesans.ttf", "notosans", "unifont"}

// Bounds of the search, which a picture waits for.
const (
	maxFontFiles = 20000 // looked at by name
	maxFonts     = 150   // opened
)

// machineFonts are the machine's fonts, opened one after the other as letters are
// asked for that no earlier one has.
type machineFonts struct {
	mu    sync.Mutex
	files []string // not opened yet
	fonts []*sfnt.Font
	of    map[rune]*sfnt.Font // nil: none has it
	began bool
}

var machine = &machineFonts{}

// with is a font of the machine that has the letter, or nil.
func (m *machineFonts) with(r rune) *sfnt.Font {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.began {
		m.began, m.files, m.of = true, fontFiles(fontFolders()), map[rune]*sfnt.Font{}
	}
	if f, known := m.of[r]; known {
		return f
	}
	for i := 0; ; i++ {
		for i >= len(m.fonts) {
			if len(m.files) == 0 || len(m.fonts) >= maxFonts {
				m.of[r] = nil
				return nil
			}
			if f := openFont(m.files[0]); f != nil {
				m.fonts = append(m.fonts, f)
			}
			m.files = m.files[1:]
		}
		if has(m.fonts[i], r) {
			m.of[r] = m.fonts[i]
			return m.fonts[i]
		}
	}
}

// has tells whether a font can draw a letter: some list letters in their index that
// they hold only as bitmaps.
func has(f *sfnt.Font, r rune) bool {
	var b sfnt.Buffer
	i, err := f.GlyphIndex(&b, r)
	if err != nil || i == 0 {
		return false
	}
	_, err = f.LoadGlyph(&b, i, 1000, nil)
	return err == nil
}

// fontFiles lists the font files of folders, the most suitable first.
func fontFiles(folders []string) []string {
	type file struct {
		path string
		rank int
	}
	var list []file
	seen := 0
	for _, dir := range folders {
		_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if seen++; seen > maxFontFiles {
				return fs.SkipAll
			}
			if err != nil || !e.Type().IsRegular() { // a folder that is not there, or not for us
				return nil
			}
			name := strings.ToLower(e.Name())
			switch filepath.Ext(name) {
			case ".ttf", ".otf", ".ttc", ".otc":
				rank := slices.IndexFunc(favorites, func(part string) bool { return strings.Contains(name, part) })
				if rank < 0 {
					rank = len(favorites)
				}
				for _, other := range []string{"bold", "italic", "oblique", "serif", "mono", "black", "light", "thin", "condensed"} {
					if strings.Contains(name, other) {
						rank += len(favorites)
					}
				}
				list = append(list, file{path, rank})
			}
			return nil
		})
	}
	slices.SortStableFunc(list, func(a, b file) int { return a.rank - b.rank })
	paths := make([]string, len(list))
	for i, f := range list {
		paths[i] = f.path
	}
	return paths
}

// openFont opens a font, of a collection the simplified Chinese one where it has
// that, else the first; nil where it is none. The file stays open: letters are read
// as they are drawn.
func openFont(path string) *sfnt.Font {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	c, err := sfnt.ParseCollectionReaderAt(f) // also of single fonts
	if err != nil {
		defer f.Close()
		return realigned(f, 0)
	}
	var best *sfnt.Font
	for i := range c.NumFonts() {
		one, err := c.Font(i)
		if err != nil {
			continue
		}
		var b sfnt.Buffer
		name, _ := one.Name(&b, sfnt.NameIDFull)
		if best == nil || strings.Contains(name, " SC") {
			best = one
		}
		if strings.Contains(name, " SC") {
			break
		}
	}
	if best == nil {
		defer f.Close()
		return realigned(f, fontOffset(f, 0))
	}
	return best
}
