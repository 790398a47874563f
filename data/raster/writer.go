//go:build !nogdal

package raster

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/lukeroth/gdal"

	"opencarbon/data/fault"
	"opencarbon/data/scratch"
)

// Writer writes a GeoTIFF. The file appears under its name only when Close
// succeeds; until then there is a temporary folder beside it, which Abort removes.
// A Writer belongs to one goroutine at a time.
type Writer struct {
	spec Spec
	path string
	work *scratch.Folder // until path is there
	temp string
	ds   gdal.Dataset
	open bool
}

// Create starts a GeoTIFF.
func Create(path string, s Spec) (*Writer, error) {
	if s.Bands == 0 {
		s.Bands = 1
	}
	if s.DType == "" {
		s.DType = Float32
	}
	if s.Compress == "" {
		s.Compress = "DEFLATE"
	}
	dtype, known := gdalTypes[s.DType]
	if !known || s.Width < 1 || s.Height < 1 || s.Bands < 1 {
		return nil, fmt.Errorf("raster: cannot create %s: %d x %d pixels, %d bands of type %q", path, s.Width, s.Height, s.Bands, s.DType)
	}
	if !slices.Contains([]string{"NONE", "DEFLATE", "LZW", "ZSTD"}, s.Compress) { // GDAL would only warn
		return nil, fault.New(path, fmt.Sprintf("unknown compression %q", s.Compress), "choose DEFLATE, LZW, ZSTD or NONE")
	}
	work, err := scratch.Dir(path)
	if err != nil {
		return nil, writeFault(path, err)
	}
	temp := filepath.Join(work.Path, "raster.tif")
	w := &Writer{spec: s, path: path, work: work, temp: temp}
	options := map[string]string{"COMPRESS": s.Compress, "BIGTIFF": "IF_SAFER"}
	if s.Tiled || s.COG {
		options["TILED"] = "YES"
	}
	if s.COG { // the intermediate file is read once and thrown away
		options["COMPRESS"] = "NONE"
	} else {
		maps.Copy(options, s.Options)
	}
	err = native(func() error {
		driver, err := gdal.GetDriverByName("GTiff")
		if err != nil {
			return err
		}
		w.ds = driver.Create(temp, s.Width, s.Height, s.Bands, dtype, optionList(options))
		if w.ds.IsNull() {
			return errors.New("the file cannot be created")
		}
		w.open = true
		return w.describe()
	})
	if err != nil {
		w.Abort()
		return nil, writeFault(path, err)
	}
	return w, nil
}

// describe writes everything but the pixels.
func (w *Writer) describe() error {
	s := w.spec
	if s.GeoTransform != [6]float64{} {
		if err := w.ds.SetGeoTransform(s.GeoTransform); err != nil {
			return err
		}
	}
	if s.CRS != nil {
		if err := w.ds.SetProjection(s.CRS.wkt); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.Metadata)) {
		if err := w.ds.SetMetadataItem(k, s.Metadata[k], ""); err != nil {
			return err
		}
	}
	for i := range s.Bands {
		b := w.ds.RasterBand(i + 1)
		if i < len(s.Color) {
			if err := b.SetColorInterp(gdal.GetColorInterpretationByName(s.Color[i])); err != nil {
				return err
			}
		}
		unit := s.Unit
		if i < len(s.Units) {
			unit = s.Units[i]
		}
		if unit != "" {
			if err := b.SetUnitType(unit); err != nil {
				return err
			}
		}
		if i < len(s.Descriptions) {
			setDescription(b, s.Descriptions[i])
		}
		if s.Nodata != nil {
			if err := b.SetNoDataValue(*s.Nodata); err != nil {
				return err
			}
		}
	}
	return nil
}

// Write writes the window of w x h pixels at column x, row y of one band
// (from 1), row by row, converted to the file's pixel type.
func Write[T Number](wr *Writer, band, x, y, w, h int, data []T) error {
	switch {
	case !wr.open:
		return errors.New(wr.path + ": the file is closed")
	case band < 1 || band > wr.spec.Bands:
		return fmt.Errorf("%s: there is no band %d of %d", wr.path, band, wr.spec.Bands)
	case w < 1 || h < 1 || x < 0 || y < 0 || x > wr.spec.Width-w || y > wr.spec.Height-h || len(data) < w*h:
		return fmt.Errorf("%s: window %d x %d at column %d, row %d with %d numbers does not fit into %d x %d", wr.path, w, h, x, y, len(data), wr.spec.Width, wr.spec.Height)
	}
	err := native(func() error {
		return wr.ds.RasterBand(band).IO(gdal.Write, x, y, w, h, data, w, h, 0, 0)
	})
	if err != nil {
		return writeFault(wr.path, err)
	}
	return nil
}

// Close completes the file and gives it its name. After an error nothing is
// left behind.
func (w *Writer) Close() error {
	if !w.open {
		return errors.New(w.path + ": the file is closed")
	}
	if w.spec.Statistics {
		w.statistics()
	}
	defer w.work.Remove()
	final := w.temp
	if w.spec.COG {
		final = filepath.Join(w.work.Path, "cog.tif")
		if err := w.copyCOG(final); err != nil {
			w.Abort()
			return writeFault(w.path, err)
		}
	}
	if err := w.closeDataset(); err != nil && !w.spec.COG {
		return writeFault(w.path, err)
	}
	return publish(final, w.path)
}

// statistics writes them for readers that stretch colors by them. A band without
// any number has none.
func (w *Writer) statistics() {
	_ = nativeLenient(func() error {
		w.ds.FlushCache()
		for i := range w.spec.Bands {
			w.ds.RasterBand(i+1).GetStatistics(0, 1) // computed, and so kept
		}
		return nil
	})
}

// copyCOG lets GDAL's COG driver arrange the file anew.
func (w *Writer) copyCOG(to string) error {
	options := map[string]string{"COMPRESS": w.spec.Compress, "BIGTIFF": "IF_SAFER", "OVERVIEW_RESAMPLING": "AVERAGE"}
	maps.Copy(options, w.spec.Options)
	return native(func() error {
		w.ds.FlushCache()
		driver, err := gdal.GetDriverByName("COG")
		if err != nil {
			return err
		}
		out := driver.CreateCopy(to, w.ds, 0, optionList(options), nil, nil)
		if out.IsNull() {
			return errors.New("the cloud-optimized copy cannot be made")
		}
		out.Close()
		return nil
	})
}

func (w *Writer) closeDataset() error {
	if !w.open {
		return nil
	}
	w.open = false
	return native(func() error { w.ds.Close(); return nil })
}

// Abort throws the unfinished file away. After Close it does nothing.
func (w *Writer) Abort() {
	if w == nil {
		return
	}
	if w.open {
		_ = w.closeDataset()
	}
	w.work.Remove()
}

// sidecars are what GDAL keeps beside a file and would take for part of a new one
// of its name: the journals of a GeoPackage, statistics, overviews and masks of a
// GeoTIFF.
var sidecars = []string{"-wal", "-shm", "-journal", ".aux.xml", ".ovr", ".msk", ".ovr.msk", ".msk.ovr"}

// publish makes sure that temp is on the disk and gives it its name. The old
// file's sidecars go only now that the new one is whole: until here the old one
// can be needed. They go before the old file does, since a journal beside a new
// file is worse than an old file without its journal.
func publish(temp, path string) error {
	err := func() error {
		f, err := os.OpenFile(temp, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Chmod(0o644); err != nil {
			return err
		}
		return f.Sync()
	}()
	if err != nil {
		return writeFault(path, err)
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() { // the rename will fail: say so with all in place
		return fault.New(path, "cannot be written: it is a folder", "move it away, or choose another name")
	}
	for _, end := range sidecars {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(err, path+end, fmt.Sprintf("belongs to the old %q and cannot be removed", path), "remove it, or choose another name")
		}
	}
	if err := os.Rename(temp, path); err != nil {
		return writeFault(path, err)
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync() // the rename itself; some file systems refuse, which does no harm
		dir.Close()
	}
	return nil
}

// writeFault says why a file cannot be written.
func writeFault(path string, err error) error {
	var in *fault.Input
	if errors.As(err, &in) {
		return err
	}
	return fault.Wrap(err, path, "cannot be written", "check that the folder exists and may be written, and that the disk has room")
}
