package data

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/data/remote"
)

const (
	maxTiles  = 200_000
	tileLimit = 22 // zoom
	mercator  = math.Pi * 6378137
)

// fetchTiles fetches the map tiles that the region needs and has the imagery read
// them as a folder. The other inputs are here already.
func (f *fetched) fetchTiles(ctx context.Context, cache *remote.Cache) error {
	m := &f.Imagery
	if m.Attribution == "" {
		return fault.New("data.imagery.attribution", "is not given, and a tile server wants to be named", "Copy the service's own line (© ...), and see that it allows what you do with its tiles.")
	}
	if len(f.Region.BBox) == 0 && f.Region.File == "" {
		return fault.New("data.region", "is not given, and a tile server has the whole earth", "Give data.region.bbox: [west, south, east, north], or data.region.file.")
	}
	g, err := grid.New(grid.Spec(f.Grid))
	if err != nil {
		return err
	}
	cells, _, err := regionCells(ctx, f.Config, g, nil)
	if err != nil {
		return err
	}
	boxes, err := mercatorBoxes(g, cells)
	if err != nil {
		return err
	}
	s := remote.Server{Template: m.Path, Connections: m.Connections, Delay: time.Duration(m.Delay * float64(time.Second))}
	zoom, px := m.TileZoom, 256
	if zoom == 0 {
		zoom = zoomFor(boxes, m.Size, px)
	}
	px, size, err := cache.Edge(ctx, s, zoom, tilesOf(boxes, zoom, 0))
	if err != nil {
		return err
	}
	if m.TileZoom == 0 {
		zoom = zoomFor(boxes, m.Size, px)
	}
	// Resampling looks beyond a cell's edge, unless pixels become pixels.
	margin := 0.0
	if per := boxes[0].edge() / (2 * mercator) * float64(int64(1)<<zoom) * float64(px) / float64(m.Size); f.Grid.Scheme != grid.XYZ || math.Abs(per-1) > 1e-9 {
		margin = (2*max(1, per) + 2) / float64(px)
	}
	tiles := tilesOf(boxes, zoom, margin)
	if len(tiles) > maxTiles {
		return fault.New("data.imagery.path", fmt.Sprintf("the region needs %d tiles of zoom %d", len(tiles), zoom), "Choose a smaller region or a lower data.imagery.tile_zoom.")
	}
	pattern, err := cache.Folder(ctx, s, zoom, tiles, size)
	if err != nil {
		return err
	}
	f.names[pattern] = m.Path
	m.Path = pattern
	return nil
}

// mercatorBox is where a cell lies: x0, y0, x1, y1 in meters of EPSG:3857.
type mercatorBox [4]float64

func (b mercatorBox) edge() float64 { return min(b[2]-b[0], b[3]-b[1]) }

func mercatorBoxes(g *grid.Grid, cells []grid.Cell) ([]mercatorBox, error) {
	crs, err := raster.ParseCRS("EPSG:3857")
	if err != nil {
		return nil, err
	}
	t, err := raster.NewTransform(g.CRS(), crs)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	const points = 8 // corners and middles of edges
	var x, y []float64
	for _, c := range cells {
		w, s, e, n := g.Bounds(c)
		x = append(x, w, e, w, e, (w+e)/2, (w+e)/2, w, e)
		y = append(y, s, s, n, n, s, n, (s+n)/2, (s+n)/2)
	}
	_ = t.Points(x, y) // points without an image become NaN
	var out []mercatorBox
	for i := range cells {
		xs, ys := x[i*points:(i+1)*points], y[i*points:(i+1)*points]
		b := mercatorBox{slices.Min(xs), slices.Min(ys), slices.Max(xs), slices.Max(ys)}
		if !math.IsNaN(b[0]+b[1]) && !math.IsInf(b[0]+b[1]+b[2]+b[3], 0) && b.edge() > 0 {
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		return nil, fault.New("data.region", "no cell has a place on web-mercator tiles", "Choose a region between 85 degrees south and north.")
	}
	return out, nil
}

// zoomFor is the lowest zoom whose tiles of px pixels resolve pictures of size pixels.
func zoomFor(boxes []mercatorBox, size, px int) int {
	edge := boxes[0].edge()
	for _, b := range boxes {
		edge = min(edge, b.edge())
	}
	need := 2 * mercator / edge * float64(size) / float64(px) // tiles around the earth
	return min(max(int(math.Ceil(math.Log2(need)-1e-6)), 0), tileLimit)
}

// tilesOf lists the tiles that touch the boxes, each once, by x and y; margin is in
// tiles.
func tilesOf(boxes []mercatorBox, zoom int, margin float64) [][2]int {
	n := 1 << zoom
	scale := float64(n) / (2 * mercator)
	const hair = 1e-6 // of a tile: an edge in common is no need
	found := map[[2]int]bool{}
	for _, b := range boxes {
		x0, x1 := int(math.Floor((b[0]+mercator)*scale-margin+hair)), int(math.Floor((b[2]+mercator)*scale+margin-hair))
		y0, y1 := int(math.Floor((mercator-b[3])*scale-margin+hair)), int(math.Floor((mercator-b[1])*scale+margin-hair))
		for y := max(y0, 0); y <= min(y1, n-1); y++ {
			for x := x0; x <= x1 && x-x0 < n; x++ {
				found[[2]int{((x % n) + n) % n, y}] = true
			}
		}
		if len(found) > maxTiles {
			break
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
}
