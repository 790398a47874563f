package synth

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/scratch"
)

// Files of a made city, in its folder. The monthly rasters lie in Months.
const (
	MosaicFile    = "mosaic.tif"
	MonthsFolder  = "odiac"
	POIFile       = "poi.csv"
	DistrictsFile = "districts.geojson"
	TruthFile     = "truth.json"
	// CategoriesFile is the category table that several cities share: a small
	// city may lack a category, and a model that moves needs the same channels.
	CategoriesFile = "categories.yaml"
)

// ExperimentFile is the name of the experiment file of the city called name.
func ExperimentFile(name string) string { return name + ".yaml" }

// MonthFile is the name of a monthly raster, as ODIAC names them; month counts
// from 1.
func MonthFile(year, month int) string {
	return fmt.Sprintf("odiac2022_1km_excl_intl_%02d%02d.tif", year, month)
}

// Write makes the cities of cfg and writes their files: one city into dir
// itself, several into folders of dir that carry their names. The files appear
// in dir only when all are complete; on an error or when ctx is cancelled dir is
// as it was. A folder that holds other things than a made city is refused.
// progress, if not nil, hears how many rows of cells are painted.
func Write(ctx context.Context, dir string, cfg Config, progress func(done, total int)) ([]*City, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return nil, fault.Wrap(err, parent, "cannot make the folder", "Choose another place with --out.")
	}
	work, err := scratch.Dir(filepath.Clean(dir))
	if err != nil {
		return nil, fault.Wrap(err, parent, "cannot write here", "Choose another place with --out.")
	}
	defer work.Remove()
	temp := work.Path
	if progress == nil {
		progress = func(int, int) {}
	}
	cities := make([]*City, cfg.Cities)
	for n := range cities {
		c := newCity(cfg, n)
		if cfg.Cities == 1 {
			c.Name = "demo"
		}
		at, table := temp, ""
		if cfg.Cities > 1 {
			at, table = filepath.Join(temp, c.Name), "../"+CategoriesFile
		}
		tick := func(row int) { progress(n*cfg.Rows+row, cfg.Cities*cfg.Rows) }
		if err := c.write(ctx, at, cfg.Year, table, tick); err != nil {
			return nil, err
		}
		if err := writeJSON(filepath.Join(at, TruthFile), c.Truth(cfg, n)); err != nil {
			return nil, err
		}
		cities[n] = c
	}
	if cfg.Cities > 1 { // marks the folder as ours
		if err := writeShared(filepath.Join(temp, TruthFile), cfg, cities); err != nil {
			return nil, err
		}
		if err := writeFile(filepath.Join(temp, CategoriesFile), writeCategories); err != nil {
			return nil, err
		}
	}
	return cities, publish(temp, dir)
}

// checkFolder refuses a folder that we would spoil.
func checkFolder(dir string) error {
	if dir == "" {
		return fault.New("--out", "is not given", "Name the folder for the made city.")
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return fault.Wrap(err, dir, "cannot read the folder", "Choose another place with --out.")
	}
	if _, err := os.Stat(filepath.Join(dir, TruthFile)); err != nil {
		return fault.New(dir, "the folder is not empty and holds no made city", "Choose an empty or new folder with --out.")
	}
	return nil
}

// publish moves what temp holds into dir, the mark of a whole city last.
func publish(temp, dir string) error {
	wrap := func(err error) error {
		return fault.Wrap(err, dir, "cannot write the folder", "Choose another place with --out.")
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return wrap(err)
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(temp, dir); err != nil {
			return wrap(err)
		}
		return nil
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		return wrap(err)
	}
	if err := os.Remove(filepath.Join(dir, TruthFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap(err)
	}
	for _, last := range []bool{false, true} {
		for _, e := range entries {
			if (e.Name() == TruthFile) != last {
				continue
			}
			to := filepath.Join(dir, e.Name())
			if err := os.RemoveAll(to); err != nil {
				return wrap(err)
			}
			if err := os.Rename(filepath.Join(temp, e.Name()), to); err != nil {
				return wrap(err)
			}
		}
	}
	return nil
}

// write writes all files but the truth; table is the category table's path, or
// empty.
func (c *City) write(ctx context.Context, dir string, year int, table string, tick func(rows int)) error {
	if err := os.MkdirAll(filepath.Join(dir, MonthsFolder), 0o777); err != nil {
		return fault.Wrap(err, dir, "cannot make the folder", "Choose another place with --out.")
	}
	crs, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		return err
	}
	if err := c.writeMonths(ctx, dir, year, crs); err != nil {
		return err
	}
	if err := c.writeMosaic(ctx, filepath.Join(dir, MosaicFile), crs, tick); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, POIFile), c.writePOIs); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, DistrictsFile), c.writeDistricts); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, ExperimentFile(c.Name)), func(w io.Writer) error { return c.writeExperiment(w, year, table) })
}

// writeMosaic paints one row of cells at a time, so that memory stays small
// however large the city is.
func (c *City) writeMosaic(ctx context.Context, path string, crs *raster.CRS, tick func(rows int)) error {
	width, size := c.Cols*c.Size, c.Size
	w, err := raster.Create(path, raster.Spec{
		Width: width, Height: c.Rows * size, Bands: 3, DType: raster.Byte, CRS: crs, Tiled: true,
		GeoTransform: raster.North(c.West, c.North, CellDegrees/float64(size), CellDegrees/float64(size)),
		Color:        []string{"Red", "Green", "Blue"},
		Metadata:     map[string]string{"DESCRIPTION": "A made city (OpenCarbon synth), no real place"},
		Options:      map[string]string{"ZLEVEL": "4"},
	})
	if err != nil {
		return err
	}
	defer w.Abort()
	bands := [3][]uint8{make([]uint8, width*size), make([]uint8, width*size), make([]uint8, width*size)}
	for row := range c.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.paint(row, bands)
		for b := range bands {
			if err := raster.Write(w, b+1, 0, row*size, width, size, bands[b]); err != nil {
				return err
			}
		}
		tick(row + 1)
	}
	return w.Close()
}

// paint paints the cells of a row into three bands, [Size, Cols*Size] each.
func (c *City) paint(row int, bands [3][]uint8) {
	width, size := c.Cols*c.Size, c.Size
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		wg.Go(func() {
			for j := k; j < size; j += workers {
				iy := row*size + j
				y := (float64(iy) + 0.5) / float64(size)
				for ix := range width {
					r, g, b := c.plan.pixel((float64(ix)+0.5)/float64(size), y, ix, iy)
					at := j*width + ix
					bands[0][at], bands[1][at], bands[2][at] = r, g, b
				}
			}
		})
	}
	wg.Wait()
}

func (c *City) writeMonths(ctx context.Context, dir string, year int, crs *raster.CRS) error {
	for m := range 12 {
		if err := ctx.Err(); err != nil {
			return err
		}
		data := make([]float32, c.Rows*c.Cols)
		for i := range data {
			data[i] = c.Month[i][m]
		}
		w, err := raster.Create(filepath.Join(dir, MonthsFolder, MonthFile(year, m+1)), raster.Spec{
			Width: c.Cols, Height: c.Rows, DType: raster.Float32, CRS: crs,
			GeoTransform: raster.North(c.West, c.North, CellDegrees, CellDegrees),
			Unit:         "tonne carbon/cell/month",
			Metadata:     map[string]string{"DESCRIPTION": "A made city (OpenCarbon synth), no real emissions"},
		})
		if err != nil {
			return err
		}
		if err := raster.Write(w, 1, 0, 0, c.Cols, c.Rows, data); err != nil {
			w.Abort()
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (c *City) writePOIs(w io.Writer) error {
	out := csv.NewWriter(w)
	row := []string{"id", "lon", "lat", "category", "name"}
	err := out.Write(row)
	for _, p := range c.POIs {
		if err != nil {
			return err
		}
		row[0], row[1], row[2] = p.ID(), strconv.FormatFloat(p.Lon, 'f', 7, 64), strconv.FormatFloat(p.Lat, 'f', 7, 64)
		row[3], row[4] = Categories[p.Category], p.Name()
		err = out.Write(row)
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

// writeFile lets fill write a file and makes sure that it reached the disk.
func writeFile(path string, fill func(io.Writer) error) error {
	f, err := os.Create(path)
	if err == nil {
		b := bufio.NewWriter(f)
		err = fill(b)
		err = errors.Join(err, b.Flush())
		if err == nil {
			err = f.Sync()
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fault.Wrap(err, path, "cannot be written", "Check that the disk has room, or choose another place with --out.")
	}
	return nil
}
