package imagery

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/paths"
	"opencarbon/data/raster"
)

// tileSet is a folder of XYZ map tiles of one zoom, seen as one raster in
// EPSG:3857 whose first pixel is the upper left one of the tile (x0, y0).
// Tiles that are missing are missing pixels.
type tileSet struct {
	root   string // as the user wrote it
	fsys   fs.FS
	zoom   int
	px     int // edge of a tile in pixels
	x0, y0 int
	nx, ny int
	files  map[[2]int]string // (x, y) to the path within fsys
}

// worldEdge is the half-width of the web-mercator square in meters (EPSG:3857):
// pi times the radius 6378137.
const worldEdge = math.Pi * 6378137

const maxZoom = 24

var (
	tileSlashes    = regexp.MustCompile(`^(?:.*/)?(?P<z>\d{1,2})/(?P<x>\d{1,8})/(?P<y>\d{1,8})\.(?i:png|jpe?g)$`)
	tileUnderscore = regexp.MustCompile(`^(?:.*/)?(?P<x>\d{1,8})_(?P<y>\d{1,8})\.(?i:png|jpe?g)$`)
	placeholder    = regexp.MustCompile(`\\\{(-?[xyz])\\\}`)
)

// isPattern reports whether the path is a pattern of tile names.
func isPattern(path string) bool {
	return strings.Contains(path, "{x}") && strings.Contains(path, "y}")
}

// isDatasetFolder reports whether GDAL, not we, reads this folder.
func isDatasetFolder(path string) bool {
	ext := strings.ToLower(filepath.Ext(filepath.Clean(path)))
	return ext == ".zarr" || ext == ".gdb"
}

// openTiles finds the tiles and describes them as a raster.
func (m *Mosaic) openTiles() error {
	root, pattern := m.spec.Path, []*regexp.Regexp{tileSlashes, tileUnderscore}
	if isPattern(root) {
		var err error
		if root, pattern, err = splitPattern(root); err != nil {
			return err
		}
	}
	t, err := findTiles(os.DirFS(root), m.spec.Path, pattern, m.spec.TileZoom)
	if err != nil {
		return err
	}
	if m.crs, err = raster.ParseCRS("EPSG:3857"); err != nil {
		return err
	}
	m.tiles, m.block = t, [2]int{t.px, t.px}
	if err := m.choose([]offered{{dtype: raster.Byte}, {dtype: raster.Byte}, {dtype: raster.Byte}}); err != nil {
		return err
	}
	m.width, m.height = t.nx*t.px, t.ny*t.px
	resolution := 2 * worldEdge / float64(t.px) / float64(int(1)<<t.zoom)
	m.geotransform = [6]float64{float64(t.x0*t.px)*resolution - worldEdge, resolution, 0,
		worldEdge - float64(t.y0*t.px)*resolution, 0, -resolution}
	m.invert()
	m.levels = []level{{overview: -1, width: m.width, height: m.height, fx: 1, fy: 1}}
	return nil
}

// splitPattern parts dir/{z}/{x}/{y}.png into the folder before the first
// placeholder and an expression for what comes after it. {-y} counts rows from
// the south (TMS).
func splitPattern(p string) (root string, pattern []*regexp.Regexp, err error) {
	p = filepath.ToSlash(p)
	root, _ = paths.TileRoot(p)
	rest := p
	if root != "." {
		rest = strings.TrimPrefix(strings.TrimPrefix(p, root), "/")
	}
	seen := map[string]bool{}
	expr := placeholder.ReplaceAllStringFunc(regexp.QuoteMeta(rest), func(s string) string {
		name := strings.Trim(s, `\{}`)
		if name == "-y" {
			name = "tms"
		}
		if seen[name] {
			return `\d+`
		}
		seen[name] = true
		return `(?P<` + name + `>\d{1,8})`
	})
	re, err := regexp.Compile("^" + expr + "$")
	if err != nil || !seen["x"] || seen["y"] == seen["tms"] {
		return "", nil, fault.New("data.imagery.path", fmt.Sprintf("%q is not a pattern of tile names", p), "write it like tiles/{z}/{x}/{y}.png, with {-y} for rows counted from the south")
	}
	return root, []*regexp.Regexp{re}, nil
}

// findTiles lists the tiles in fsys; name is the folder for messages. Where
// several zooms are there, the highest is taken, or else the one asked for.
func findTiles(fsys fs.FS, name string, patterns []*regexp.Regexp, zoom int) (*tileSet, error) {
	byZoom := map[int]map[[2]int]string{}
	images := 0
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch strings.ToLower(path.Ext(p)) {
		case ".png", ".jpg", ".jpeg":
			images++
		}
		for _, re := range patterns {
			match := re.FindStringSubmatch(p)
			if match == nil {
				continue
			}
			return addTile(byZoom, re, match, p, name, zoom)
		}
		return nil
	})
	var in *fault.Input
	switch {
	case errors.As(err, &in):
		return nil, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fs.ErrNotExist, name, "no such folder", "check data.imagery.path; relative paths start at the working directory")
	case err != nil:
		return nil, fault.Wrap(err, name, "the folder of tiles cannot be read", "check its permissions (chmod -R u+rX folder) and the disk")
	case len(byZoom) == 0 && images > 0:
		return nil, fault.New(name, fmt.Sprintf("the folder holds %d images, but none is named like a map tile", images), "name them z/x/y.png, or give a pattern such as folder/{z}/{x}/{y}.png; join GeoTIFFs with gdalbuildvrt")
	case len(byZoom) == 0:
		return nil, fault.New(name, "the folder holds no map tiles", "give a folder of z/x/y.png or .jpg tiles, or name an image file; join GeoTIFFs with gdalbuildvrt")
	}
	t := &tileSet{root: name, fsys: fsys, zoom: -1}
	for z := range byZoom {
		t.zoom = max(t.zoom, z)
	}
	if byZoom[zoom] != nil && zoom > 0 {
		t.zoom = zoom
	}
	t.files = byZoom[t.zoom]
	return t, t.measure()
}

// addTile enters a file whose name matches.
func addTile(byZoom map[int]map[[2]int]string, re *regexp.Regexp, match []string, p, name string, zoom int) error {
	at := func(group string) int {
		i := re.SubexpIndex(group)
		if i < 0 {
			return -1
		}
		v, err := strconv.Atoi(match[i])
		if err != nil {
			return -1
		}
		return v
	}
	z, x, y := at("z"), at("x"), at("y")
	if re.SubexpIndex("z") < 0 {
		if zoom <= 0 {
			return fault.New(name, fmt.Sprintf("the tile %s does not tell its zoom", p), "use an xyz grid, whose zoom then holds for the tiles, or name them z/x/y.png")
		}
		z = zoom
	}
	if z > maxZoom || z < 0 {
		return fault.New(filepath.Join(name, p), fmt.Sprintf("there is no zoom %d", z), fmt.Sprintf("zooms go from 0 to %d", maxZoom))
	}
	if re.SubexpIndex("tms") >= 0 {
		y = 1<<z - 1 - at("tms")
	}
	if n := 1 << z; x < 0 || y < 0 || x >= n || y >= n {
		return fault.New(filepath.Join(name, p), fmt.Sprintf("zoom %d has no tile x %d, y %d", z, x, y), "check that the names are zoom/x/y, with y counted from the north")
	}
	if byZoom[z] == nil {
		byZoom[z] = map[[2]int]string{}
	}
	if _, twice := byZoom[z][[2]int{x, y}]; !twice { // the walk is in lexical order: the first stays
		byZoom[z][[2]int{x, y}] = p
	}
	return nil
}

// measure finds the extent, and the edge of a tile from the first one.
func (t *tileSet) measure() error {
	first := true
	var x1, y1 int
	var sample string
	for k, file := range t.files {
		if first {
			t.x0, t.y0, x1, y1, sample = k[0], k[1], k[0], k[1], file
			first = false
		}
		t.x0, t.y0 = min(t.x0, k[0]), min(t.y0, k[1])
		x1, y1 = max(x1, k[0]), max(y1, k[1])
		sample = min(sample, file)
	}
	t.nx, t.ny = x1-t.x0+1, y1-t.y0+1
	f, err := t.fsys.Open(sample)
	if err != nil {
		return t.tileFault(sample, err)
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return t.tileFault(sample, err)
	}
	if c.Width != c.Height || c.Width < 16 || c.Width > 4096 {
		return fault.New(filepath.Join(t.root, sample), fmt.Sprintf("a tile of %d x %d pixels", c.Width, c.Height), "map tiles are square, usually 256 or 512 pixels")
	}
	t.px = c.Width
	const maxPixels = 1 << 30 // per side: positions stay exact and fit in 32 bits
	if t.nx > maxPixels/t.px || t.ny > maxPixels/t.px {
		return fault.New(t.root, fmt.Sprintf("the tiles lie %d x %d tiles apart", t.nx, t.ny), "remove the ones that lie elsewhere")
	}
	return nil
}

// tileFault dresses an error of reading one tile.
func (t *tileSet) tileFault(file string, err error) error {
	return fault.Wrap(err, filepath.Join(t.root, file), "the tile cannot be read", "fetch it again, or delete it to have it counted as missing")
}
