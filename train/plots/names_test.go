package plots

import (
	"strings"
	"testing"
)

// withFonts makes folders the machine's fonts for the rest of the test.
func withFonts(t *testing.T, folders ...string) {
	t.Helper()
	before, had := fontFolders, machine
	fontFolders, machine = func() []string { return folders }, &machineFonts{}
	t.Cleanup(func() { fontFolders, machine = before, had })
}

func TestShown(t *testing.T) {
	withFonts(t)
	long := strings.Repeat("a", 300)
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"Zürich …", "Zürich …"}, {"福田 shop", "<798F 7530> shop"}, {"a\nb", "a<000A>b"}, {"ไ", "<0E44>"}, {"🏭", "<1F3ED>"},
		{long + ": end", strings.Repeat("a", 17) + "…" + strings.Repeat("a", 13) + ": end"},
	} {
		if got := shown(c.in, nameRoom); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

// Neither a long name nor a name in another script makes a picture wide.
func TestLongNamesKeepPicturesSmall(t *testing.T) {
	withFonts(t)
	for _, name := range []string{strings.Repeat("long ", 60), strings.Repeat("福", 300)} {
		f, err := Ranking(RankingData{Title: name, X: name, Names: []string{name, "b"}, Values: []float64{1, 2}})
		if img := keep(t, "ranking_long", f, err); img.Bounds().Dx() > 1400 {
			t.Errorf("ranking: %v", img.Bounds())
		}
		f, err = Matrix(MatrixData{Title: name, RowTitle: "trained on", ColTitle: "applied to", Rows: []string{name}, Cols: []string{name}, Values: [][]float64{{1}}, Label: name})
		img := keep(t, "matrix_long", f, err)
		if img.Bounds().Dx() > 1400 {
			t.Errorf("matrix: %v", img.Bounds())
		}
		if n := count(img, at(viridis, 0.5)); n < 2000 { // the names once left the field no room
			t.Errorf("matrix: the field has %d pixels", n)
		}
	}
}
