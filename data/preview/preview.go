// Package preview draws what a store holds, for a person to check: the mosaic
// with its cells and splits, the density of POIs, and the emissions. It reads a
// finished store and writes PNG files; it decides nothing.
package preview

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/scratch"
	"opencarbon/data/store"
)

// Names of the pictures.
const (
	ImageFile     = "image.png"  // as the network sees it, nothing drawn on it
	MosaicFile    = "mosaic.png" // with cells and splits
	POIFile       = "poi_density.png"
	EmissionsFile = "emissions.png"
)

// Write draws the pictures of a store into a folder, which it makes if need be,
// and returns their paths. Pictures of what the store does not have are left
// out: a store without images shows its splits on gray.
func Write(ctx context.Context, s *store.Store, dir string) ([]string, error) {
	f, err := newFrame(s)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fault.Wrap(err, dir, "cannot make the folder for the pictures", "Choose another place with --preview-dir.")
	}
	var files []string
	for _, d := range []struct {
		name string
		draw func(*store.Store, frame) (io.WriterTo, error)
	}{{ImageFile, plain}, {MosaicFile, mosaic}, {POIFile, density}, {EmissionsFile, emissions}} {
		if err := ctx.Err(); err != nil {
			return files, err
		}
		page, err := d.draw(s, f)
		if err != nil {
			return files, err
		}
		if page == nil {
			continue
		}
		path := filepath.Join(dir, d.name)
		if err := save(path, page); err != nil {
			return files, err
		}
		files = append(files, path)
	}
	return files, nil
}

// save writes a file under a temporary name and renames it.
func save(path string, page io.WriterTo) error {
	t, err := scratch.File(path)
	if err == nil {
		_, err = page.WriteTo(t)
		if err = errors.Join(err, t.Chmod(0o644), t.Sync()); err == nil {
			err = os.Rename(t.Name(), path)
		}
		if err != nil {
			os.Remove(t.Name())
		}
		err = errors.Join(err, t.Close())
	}
	if err != nil {
		return fault.Wrap(err, path, "cannot be written", "Check that the disk has room, or choose another place with --preview-dir.")
	}
	return nil
}

// plain draws the tiles' images as they are.
func plain(s *store.Store, f frame) (io.WriterTo, error) {
	if !s.HasImages() {
		return nil, nil
	}
	k := min(max(1600/max(f.cols, f.rows), 1), s.ImageSize())
	img := image.NewRGBA(image.Rect(0, 0, f.cols*k, f.rows*k))
	fill(img, noTile)
	tile := make([]uint8, 3*s.ImageSize()*s.ImageSize())
	for i, c := range f.cells {
		if err := s.ReadColors(i, tile); err != nil {
			return nil, err
		}
		x, y := f.place(c)
		for v := range k {
			for u := range k {
				img.SetRGBA(x*k+u, y*k+v, sample(tile, s.ImageSize(), k, u, v))
			}
		}
	}
	return f.page(f.mapPlot(fmt.Sprintf("%s: images of %d cells, as they are", s.Meta().Name, s.Len())+credit(s), img), nil), nil
}

// credit is a line that names whose the images are.
func credit(s *store.Store) string {
	a := s.Meta().Attribution
	if a == "" || !s.HasImages() {
		return ""
	}
	const most = 100 // runes that a title has room for
	text := []rune(label.Printable(a))
	if len(text) > most {
		text = append(text[:most-1], '…')
	}
	return "\nImages: " + string(text)
}

// mosaic draws the tiles' images, each with an edge in the color of its split.
func mosaic(s *store.Store, f frame) (io.WriterTo, error) {
	// As many pixels a tile as keep the picture near 1,600 across.
	k := max(1600/max(f.cols, f.rows), 1)
	if s.HasImages() {
		k = min(k, s.ImageSize())
	} else {
		k = min(k, 48)
	}
	wide := max(1, k/48) // of a tile's edge
	img := image.NewRGBA(image.Rect(0, 0, f.cols*k, f.rows*k))
	fill(img, noTile)
	count := map[store.Split]int{}
	tile := make([]uint8, 3*s.ImageSize()*s.ImageSize())
	for i, c := range f.cells {
		if s.HasImages() {
			if err := s.ReadColors(i, tile); err != nil {
				return nil, err
			}
		}
		x, y := f.place(c)
		split := s.Splits()[i]
		count[split]++
		tint := splitColors[split]
		for v := range k {
			for u := range k {
				px := noValue
				if s.HasImages() {
					px = sample(tile, s.ImageSize(), k, u, v)
				}
				// The split shows as an edge and a tint light enough to see through.
				edge := k >= 4 && (u < wide || v < wide) || k >= 16 && (u >= k-wide || v >= k-wide)
				if edge {
					px = blend(px, tint, 0.9)
				} else {
					px = blend(px, tint, 0.2)
				}
				img.SetRGBA(x*k+u, y*k+v, px)
			}
		}
	}
	p := f.mapPlot(fmt.Sprintf("%s: %d cells (%s)", s.Meta().Name, s.Len(), gridName(s))+credit(s), img)
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(3)
	for _, sp := range []store.Split{store.Train, store.Validation, store.Test, store.None} {
		if count[sp] > 0 {
			p.Legend.Add(fmt.Sprintf("%s: %d", sp, count[sp]), swatch{splitColors[sp]})
		}
	}
	p.Legend.ThumbnailWidth = vg.Points(16)
	return f.page(p, f.legend(p)), nil
}

// legend moves the legend of a map to a plot of its own, so that it covers
// nothing.
func (f frame) legend(p *plot.Plot) *plot.Plot {
	side := newPlot()
	side.HideAxes()
	side.Legend = p.Legend
	side.Legend.Left = true
	p.Legend = plot.NewLegend()
	return side
}

// swatch is a colored square of a legend.
type swatch struct{ c color.RGBA }

// Thumbnail implements plot.Thumbnailer.
func (s swatch) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(s.c, []vg.Point{{X: c.Min.X, Y: c.Min.Y}, {X: c.Min.X, Y: c.Max.Y}, {X: c.Max.X, Y: c.Max.Y}, {X: c.Max.X, Y: c.Min.Y}})
}

// sample is the mean of the image pixels [3, size, size] that fall into pixel
// (u, v) of k.
func sample(rgb []uint8, size, k, u, v int) color.RGBA {
	x0, x1 := u*size/k, max((u+1)*size/k, u*size/k+1)
	y0, y1 := v*size/k, max((v+1)*size/k, v*size/k+1)
	var sum [3]int
	for b := range 3 {
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				sum[b] += int(rgb[(b*size+y)*size+x])
			}
		}
	}
	n := (x1 - x0) * (y1 - y0)
	return color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), 255}
}

// density draws POIs a square kilometer, on a scale of logarithms.
func density(s *store.Store, f frame) (io.WriterTo, error) {
	if !s.HasPOIs() {
		return nil, nil
	}
	values := make([]float64, s.Len())
	total := 0.0
	for i := range values {
		n := 0.0
		for _, c := range s.POIs(i).Count {
			n += float64(c)
		}
		total += n
		values[i] = n / s.AreaKM2()[i]
	}
	title := fmt.Sprintf("%s: %.0f POIs of %d categories", s.Meta().Name, total, len(s.Categories()))
	return f.heat(s, values, title, "POIs per km² (gray: none)"), nil
}

// emissions draws the targets, on a scale of logarithms.
func emissions(s *store.Store, f frame) (io.WriterTo, error) {
	total, n := 0.0, 0
	for _, v := range s.Targets() {
		if !math.IsNaN(v) {
			total += v
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	m := s.Meta()
	title := fmt.Sprintf("%s: %s tCO₂ a year in %d cells", m.Name, number(total), n)
	label := "tCO₂ a year and cell (gray: no sample)"
	if m.TargetUnit != "tCO2/yr" {
		title = fmt.Sprintf("%s: stand-in for emissions (%s), %d cells", m.Name, m.TargetUnit, n)
		label = m.TargetUnit + " (gray: no sample)"
	}
	return f.heat(s, s.Targets(), title, label), nil
}

// heat draws one value a tile by color; values that are not positive are gray.
func (f frame) heat(s *store.Store, values []float64, title, label string) io.WriterTo {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			lo, hi = math.Min(lo, math.Log10(v)), math.Max(hi, math.Log10(v))
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	if hi-lo < 0.1 { // a bar needs a length
		lo, hi = lo-0.05, hi+0.05
	}
	k := min(max(1600/max(f.cols, f.rows), 1), 32)
	img := image.NewRGBA(image.Rect(0, 0, f.cols*k, f.rows*k))
	fill(img, noTile)
	for i, c := range f.cells {
		x, y := f.place(c)
		px := noValue
		if values[i] > 0 {
			px = at(viridis, (math.Log10(values[i])-lo)/(hi-lo))
		}
		for v := range k {
			for u := range k {
				img.SetRGBA(x*k+u, y*k+v, px)
			}
		}
	}
	return f.page(f.mapPlot(title, img), barPlot(viridis, lo, hi, label, logTicks{}))
}

func fill(img *image.RGBA, c color.RGBA) {
	for i := 0; i < len(img.Pix); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = c.R, c.G, c.B, c.A
	}
}

func gridName(s *store.Store) string {
	switch g := s.Meta().Grid; g.Scheme {
	case "xyz":
		return fmt.Sprintf("web mercator, zoom %d", g.Zoom)
	case "degrees":
		return fmt.Sprintf("1/%.4g degree", 1/g.CellSize)
	default:
		return fmt.Sprintf("EPSG:%d, %.6g m", g.EPSG, g.CellSize*g.Metres())
	}
}
