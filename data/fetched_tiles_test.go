package data

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"opencarbon/data/raster"
	"opencarbon/data/remote"
)

// tileFolder makes tiles of 64 pixels of zoom 8, x 200 to 207, y 100 to 107, each of
// other pixels, without 203/103.
func tileFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for x := 200; x < 208; x++ {
		for y := 100; y < 108; y++ {
			if x == 203 && y == 103 {
				continue
			}
			m := image.NewNRGBA(image.Rect(0, 0, 64, 64))
			for i := range 64 * 64 {
				m.SetNRGBA(i%64, i/64, color.NRGBA{uint8(x * (i%64 + 3)), uint8(y * (i/64 + 5)), uint8(i * (x + y)), 255})
			}
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			p := filepath.Join(dir, "8", fmt.Sprint(x), fmt.Sprint(y)+".png")
			if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// tileConfig is a region to predict of 5 x 5 cells, by their centers, inside the folder.
func tileConfig(t *testing.T, path string, size int) Config {
	t.Helper()
	c := Config{
		Store: filepath.Join(t.TempDir(), "store"), Cache: filepath.Join(t.TempDir(), "cache"),
		Grid: Grid{Scheme: "xyz", Zoom: 8}, Region: Region{BBox: degreesOf(t, 201, 101, 206, 106)},
		Imagery: Imagery{Path: path, Size: size, Attribution: "made by a test"},
		Split:   Split{Method: "none"},
	}
	return c
}

// degreesOf is the box of the tiles of zoom 8 from x0, y0 to before x1, y1.
func degreesOf(t *testing.T, x0, y0, x1, y1 int) []float64 {
	t.Helper()
	from, err := raster.ParseCRS("EPSG:3857")
	if err != nil {
		t.Fatal(err)
	}
	to, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := raster.NewTransform(from, to)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	const edge = 2 * mercator / 256
	x := []float64{float64(x0)*edge - mercator + 10, float64(x1)*edge - mercator - 10}
	y := []float64{mercator - float64(y1)*edge + 10, mercator - float64(y0)*edge - 10}
	if err := tr.Points(x, y); err != nil {
		t.Fatal(err)
	}
	return []float64{x[0], y[0], x[1], y[1]}
}

// Tiles of a server give the store of the folder that holds them; only what is
// needed is asked for, once.
func TestBuildFromTileServer(t *testing.T) {
	dir := tileFolder(t)
	for name, k := range map[string]struct {
		size, tiles int
		pattern     string
	}{
		"pixels as they are": {64, 25, "/{z}/{x}/{y}.png"},
		"resampled":          {48, 49, "/{z}/{x}/{y}.png"}, // with a ring around
		"from the south":     {64, 25, "/tms/{z}/{x}/{-y}.png"},
		"quadkey":            {64, 25, "/q/{q}"},
	} {
		t.Run(name, func(t *testing.T) {
			want := tileConfig(t, dir, k.size)
			mustBuild(t, &want, Options{})
			s := serve(t, dir, func(_ http.ResponseWriter, r *http.Request) bool {
				var z, x, y int
				if _, err := fmt.Sscanf(r.URL.Path, "/tms/%d/%d/%d.png", &z, &x, &y); err == nil {
					r.URL.Path = fmt.Sprintf("/%d/%d/%d.png", z, x, 1<<z-1-y)
				}
				if q, ok := strings.CutPrefix(r.URL.Path, "/q/"); ok {
					for _, d := range q {
						x, y = 2*x+int(d-'0')&1, 2*y+int(d-'0')>>1
					}
					r.URL.Path = fmt.Sprintf("/%d/%d/%d.png", len(q), x, y)
				}
				return false
			})
			far := tileConfig(t, s.URL+k.pattern, k.size)
			far.Imagery.TileZoom = 8
			note := ""
			o := Options{client: quick, Note: func(text string) { note = text }}
			r := mustBuild(t, &far, o)
			sameStore(t, far.Store, want.Store)
			if _, gets := s.sent(); gets != k.tiles {
				t.Errorf("%d tiles asked for, want %d", gets, k.tiles)
			}
			if !strings.Contains(note, fmt.Sprintf("%d tiles of zoom 8", k.tiles)) || !strings.Contains(note, "to fetch, about") {
				t.Errorf("said before: %q", note)
			}
			var account bytes.Buffer
			if err := r.Print(&account); err != nil || !strings.Contains(account.String(), "made by a test") {
				t.Errorf("%v\n%s", err, &account)
			}
			s.Close() // nobody is asked again
			far.Store += "2"
			mustBuild(t, &far, o)
			sameStore(t, far.Store, want.Store)
		})
	}
}

// A stop keeps the tiles that came; a busy server is waited for.
func TestTileServersTroubles(t *testing.T) {
	dir := tileFolder(t)
	var n atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
		switch k := n.Add(1); {
		case !strings.HasPrefix(r.UserAgent(), "OpenCarbon"):
			t.Errorf("User-Agent %q", r.UserAgent())
		case k == 3:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(429)
			return true
		case k == 5:
			w.WriteHeader(503)
			return true
		case k == 12:
			cancel()
			<-r.Context().Done()
			return true
		}
		return false
	})
	c := tileConfig(t, s.URL+"/{z}/{x}/{y}.png", 64)
	c.Imagery.TileZoom, c.Imagery.Connections = 8, 1
	if _, err := Build(ctx, &c, Options{client: quick}); err == nil {
		t.Fatal("the stop was not heard of")
	}
	s.sent()
	mustBuild(t, &c, Options{client: quick})
	if _, gets := s.sent(); gets != 25-9 {
		t.Errorf("%d tiles asked for after the stop, want %d", gets, 25-9)
	}
	// What is no tile is told, with the server's own words.
	page := serve(t, dir, func(w http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprint(w, "<html>no key given</html>")
		return true
	})
	c.Imagery.Path = page.URL + "/{z}/{x}/{y}.png"
	if _, err := Build(t.Context(), &c, Options{client: quick}); err == nil || !strings.Contains(err.Error(), "no key given") {
		t.Errorf("a page: %v", err)
	}
	c.Imagery.Attribution = ""
	if _, err := Build(t.Context(), &c, Options{client: quick}); err == nil || !strings.Contains(err.Error(), "data.imagery.attribution") {
		t.Errorf("no attribution: %v", err)
	}
	c.Imagery.Attribution, c.Region = "x", Region{}
	if _, err := Build(t.Context(), &c, Options{client: quick}); err == nil || !strings.Contains(err.Error(), "data.region") {
		t.Errorf("no region: %v", err)
	}
}

// Real tiles, of Shenzhen.
func TestShenzhenTilesFromServer(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "shenzhen", "tiles")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no tiles of Shenzhen here: ", err)
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	made := func(path string) Config {
		return Config{Store: filepath.Join(t.TempDir(), "store"), Cache: filepath.Join(t.TempDir(), "cache"),
			Grid: Grid{Scheme: "xyz", Zoom: 13}, Region: Region{BBox: []float64{113.9, 22.45, 114.4, 22.8}},
			Imagery: Imagery{Path: path, Size: 128, Attribution: "as its owner says", Connections: 4}, Split: Split{Method: "none"}}
	}
	want := made(dir)
	r := mustBuild(t, &want, Options{})
	s := serve(t, dir, nil)
	far := made(s.URL + "/{z}/{x}/{y}.jpg")
	far.Imagery.TileZoom = 13
	o := Options{client: remote.Client{}, Note: func(text string) { t.Log(text) }}
	mustBuild(t, &far, o)
	sameStore(t, far.Store, want.Store)
	n, gets := s.sent()
	again := mustBuild(t, &far, o)
	if _, more := s.sent(); more != 0 || !again.Reused {
		t.Errorf("asked again for %d tiles", more)
	}
	t.Logf("%d cells; %d tiles asked for, %d bytes", r.Cells.Stored, gets, n)
}

// Two builds at once fetch each tile once between them, less the one that both look
// at for its size.
func TestTwoAtOnceFromTileServer(t *testing.T) {
	dir := tileFolder(t)
	s := serve(t, dir, nil)
	want := tileConfig(t, dir, 64)
	mustBuild(t, &want, Options{})
	first := tileConfig(t, s.URL+"/{z}/{x}/{y}.png", 64)
	first.Imagery.TileZoom = 8
	second := first
	second.Store = filepath.Join(t.TempDir(), "store")
	var wg sync.WaitGroup
	for _, c := range []*Config{&first, &second} {
		wg.Go(func() {
			if _, err := Build(t.Context(), c, Options{client: quick}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	sameStore(t, first.Store, want.Store)
	sameStore(t, second.Store, want.Store)
	if _, gets := s.sent(); gets != 25 && gets != 26 {
		t.Errorf("%d tiles asked for, want 25 or 26", gets)
	}
}
