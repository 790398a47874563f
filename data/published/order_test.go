package published

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// pickled is a dict by tile of the same value, as pickle's protocol 2 has it.
func pickled(value string, tiles ...[2]int) string {
	var b strings.Builder
	b.WriteString("\x80\x02}(")
	for _, t := range tiles {
		fmt.Fprintf(&b, "(I%d\nI%d\nt%s", t[0], t[1], value)
	}
	b.WriteString("u.")
	return b.String()
}

const (
	carbonValue = "G\x40\x24\x00\x00\x00\x00\x00\x00" // 10.0
	countsValue = "]K\x03a"                           // [3]
	// A matrix [256, 256, 1] of float32 zeros but for one would be long: matrices come from the fixture.
)

// picture writes an image of one color.
func picture(t *testing.T, path string, edge int, gray uint8) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, edge, edge))
	for i := range img.Pix {
		img.Pix[i] = gray
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	put(t, path, b.String())
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// made is a dataset of a city with the POI matrices of the fixture's London,
// whose tiles are 26994 to 26996 by 12415 to 12417 without (26996, 12415), and no
// images.
func made(t *testing.T, city string) (dir, data string) {
	t.Helper()
	dir = t.TempDir()
	data = filepath.Join(dir, city+"_data")
	b, err := os.ReadFile(filepath.Join(unpack(t, "published.zip", "london_data/tile2poi_distribution"), "london_data", "tile2poi_distribution_london.npy"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(data, "tile2poi_distribution_"+city+".npy"), string(b))
	return dir, data
}

func built(t *testing.T, s Spec) (*store.Store, *Report) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "store")
	r, err := Build(context.Background(), s, Output{Store: out})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := store.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened, r
}

func order(s *store.Store) (out [][2]int) {
	for _, c := range s.Cells() {
		out = append(out, [2]int{int(c.Col), int(c.Row)})
	}
	return out
}

// listed are the tiles of a folder's images in the order of the folder itself.
func listed(t *testing.T, dir string) (out [][2]int) {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		var tile [2]int
		if _, err := fmt.Sscanf(n, "%d_%d.png", &tile[0], &tile[1]); err != nil {
			t.Fatal(err)
		}
		out = append(out, tile)
	}
	return out
}

// TestBeijing: tiles are numbered district by district in the program's order, in
// each as the folder has them; a tile of two districts keeps its first number and
// its last image; the counts file says which exist, and one of them without a
// matrix is empty.
func TestBeijing(t *testing.T) {
	dir, data := made(t, "beijing")
	images := filepath.Join(data, "satellite_images_beijing")
	districts := map[string][][2]int{
		"chaoyang":  {{26994, 12415}, {26995, 12415}},
		"dongcheng": {{26996, 12417}, {26995, 12416}, {26994, 12417}, {26990, 12400}}, // the last one in counts alone
		"fengtai":   {{26996, 12417}, {26996, 12416}, {1, 1}},                         // one of dongcheng's, and one of no counts
		"elsewhere": {{26994, 12416}},                                                 // a folder that the program does not read
	}
	for d, tiles := range districts {
		for _, tile := range tiles {
			picture(t, filepath.Join(images, d, fmt.Sprintf("%d_%d.png", tile[0], tile[1])), Size, uint8(len(d)))
		}
	}
	// (26995, 12415) has a matrix and an image, but no counts.
	put(t, filepath.Join(data, "tile2poi_count_beijing.npy"), pickled(countsValue, [2]int{26994, 12415}, [2]int{26994, 12416}, [2]int{26994, 12417},
		[2]int{26995, 12416}, [2]int{26996, 12416}, [2]int{26996, 12417}, [2]int{26990, 12400}))
	put(t, filepath.Join(data, "til2carbon_beijing.npy"), pickled(carbonValue, [2]int{26994, 12415}, [2]int{26995, 12416}))
	var want [][2]int
	for _, d := range beijing {
		if districts[d] == nil {
			continue
		}
		for _, tile := range listed(t, filepath.Join(images, d)) {
			if tile != [2]int{26995, 12415} && tile != [2]int{1, 1} && !slices.Contains(want, tile) {
				want = append(want, tile)
			}
		}
	}
	s, r := built(t, Spec{Dir: dir})
	if got := order(s); !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
	if r.NoImage != 1 || r.NoPOI != 2 || r.Duplicates != 1 || r.Empty != 1 || r.Samples != 2 || r.Border != 6 {
		t.Errorf("%+v", r)
	}
	twice := slices.Index(want, [2]int{26996, 12417})
	if got := s.Image(twice)[0]; got != uint8(len("fengtai")) {
		t.Errorf("of a tile's two images the one of gray %d was taken", got)
	}
	if n := s.POIs(slices.Index(want, [2]int{26990, 12400})).Len(); n != 0 {
		t.Errorf("a tile without a matrix has %d points", n)
	}

	named := want[3]
	s, r = built(t, Spec{Dir: dir, First: named[:]})
	moved := append([][2]int{named}, slices.DeleteFunc(slices.Clone(want), func(x [2]int) bool { return x == named })...)
	if got := order(s); !slices.Equal(got, moved) || !r.FirstGiven {
		t.Errorf("with a first tile named the order is %v, want %v", got, moved)
	}
	if got, ok := s.Targets()[slices.Index(moved, [2]int{26995, 12416})], 10.0; got != ok {
		t.Errorf("the target moved away: %v", got)
	}
	for _, first := range [][]int{{1, 1}, {26994}, {1, 2, 3}} {
		_, err := Build(context.Background(), Spec{Dir: dir, First: first}, Output{Store: filepath.Join(t.TempDir(), "store")})
		if !fault.IsInput(err) || !strings.Contains(err.Error(), "data.published_first_tile") {
			t.Errorf("first tile %v: %v", first, err)
		}
	}
}

// TestSizes: only Yinchuan's images may have another size.
func TestSizes(t *testing.T) {
	for city, fits := range map[string]bool{"yinchuan": true, "london": false} {
		dir, data := made(t, city)
		picture(t, filepath.Join(data, "satellite_images_"+city, "26994_12415.png"), 300, 77)
		if !fits {
			_, err := Build(context.Background(), Spec{Dir: dir}, Output{Store: filepath.Join(t.TempDir(), "store")})
			if !fault.IsInput(err) || !strings.Contains(err.Error(), "300 x 300 pixels") {
				t.Errorf("%s: %v", city, err)
			}
			continue
		}
		s, _ := built(t, Spec{Dir: dir})
		if img := s.Image(0); slices.Min(img) != 77 || slices.Max(img) != 77 {
			t.Errorf("%s: %d to %d", city, slices.Min(img), slices.Max(img))
		}
	}
}

// TestTransferCities: a user gives the city's folder, or the one above, or the one
// above that, with the city's name; the POI file says which tiles exist.
func TestTransferCities(t *testing.T) {
	_, data := made(t, "west_midland")
	dir := t.TempDir()
	city := filepath.Join(dir, transferFolder, "west_midland")
	if err := os.MkdirAll(filepath.Dir(city), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(data, city); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, transferFolder, "readme.txt"), "")
	for _, tile := range []string{"26994_12415", "26995_12416"} {
		picture(t, filepath.Join(city, "satellite_images_west_midland", tile+".png"), Size, 1)
	}
	put(t, filepath.Join(city, "tile2poi_count_west_midland.npy"), pickled(countsValue, [2]int{26994, 12415}))
	for name, s := range map[string]Spec{
		"its folder":                {Dir: city},
		"its folder, named":         {Dir: city, City: "west_midland"},
		"the folder above":          {Dir: filepath.Dir(city), City: "west_midland"},
		"the folder above, alone":   {Dir: filepath.Dir(city)},
		"the one above that, named": {Dir: dir, City: "west_midland"},
	} {
		got, r := built(t, s)
		if got.Len() != 2 || r.City != "west_midland" || r.Files.Counts != "" {
			t.Errorf("%s: %d tiles, %+v", name, got.Len(), r)
		}
	}
	if err := os.Mkdir(filepath.Join(filepath.Dir(city), "tokyo"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(filepath.Dir(city), "tokyo", "tile2poi_distribution.npz"), "")
	if _, err := Build(context.Background(), Spec{Dir: filepath.Dir(city)}, Output{Store: filepath.Join(t.TempDir(), "store")}); !fault.IsInput(err) || !strings.Contains(err.Error(), "tokyo, west_midland") {
		t.Errorf("two cities: %v", err)
	}
}
