//go:build !nogdal

package raster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/lukeroth/gdal"

	"opencarbon/data/fault"
	"opencarbon/data/scratch"
)

// VectorWriter writes a GeoPackage, GeoJSON or Shapefile. Like Writer it gives the
// file its name only when Close succeeds.
type VectorWriter struct {
	spec  VectorSpec
	path  string
	work  *scratch.Folder // until path is there
	temp  string
	ds    gdal.Dataset
	layer gdal.Layer
	open  bool
	batch int // features since the last commit
	count int // features in all
}

// vectorDrivers are the formats by file ending.
var vectorDrivers = map[string]string{".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON"}

// commitEvery is the number of features that share a transaction. One for each
// feature would cost a disk sync each.
const commitEvery = 10_000

// CreateVector starts a vector file; its ending (.gpkg, .geojson) decides on the
// format.
func CreateVector(path string, s VectorSpec) (*VectorWriter, error) {
	ending := strings.ToLower(filepath.Ext(path))
	driverName, ok := vectorDrivers[ending]
	if !ok {
		return nil, fault.New(path, fmt.Sprintf("files ending in %q cannot be written", ending), "use .gpkg (GeoPackage) or .geojson")
	}
	if s.Layer == "" {
		s.Layer = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	work, err := scratch.Dir(path)
	if err != nil {
		return nil, writeFault(path, err)
	}
	w := &VectorWriter{spec: s, path: path, work: work, temp: filepath.Join(work.Path, "vector"+ending)}
	err = w.native(func() error {
		driver, err := gdal.GetDriverByName(driverName)
		if err != nil {
			return err
		}
		w.ds = driver.Create(w.temp, 0, 0, 0, gdal.Unknown, nil)
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

// changed is the time of the last change that the file names.
func (w *VectorWriter) changed() time.Time {
	if w.spec.Changed.IsZero() {
		return time.Now().UTC()
	}
	return w.spec.Changed.UTC()
}

// native is native with the date of the spec, by which the same content gives the
// same file whenever it is written.
func (w *VectorWriter) native(f func() error) error {
	if w.spec.Changed.IsZero() {
		return native(f)
	}
	return native(func() error { return dated(w.changed().Format("2006-01-02T15:04:05.000Z"), f) })
}

func (w *VectorWriter) describe() error {
	var sr gdal.SpatialReference
	if w.spec.CRS != nil {
		sr = gdal.CreateSpatialReference(w.spec.CRS.wkt)
		defer sr.Release()
		sr.SetAxisMappingStrategy(axisOrder)
	}
	kind := gdal.GT_MultiPolygon
	if w.spec.Points {
		kind = gdal.GT_Point
	}
	w.layer = w.ds.CreateLayer(w.spec.Layer, sr, kind, optionList(w.spec.Options))
	if w.layer.IsNull() {
		return errors.New("the layer cannot be created")
	}
	types := map[FieldType]gdal.FieldType{Text: gdal.FT_String, Integer: gdal.FT_Integer64, Real: gdal.FT_Real}
	for _, f := range w.spec.Fields {
		t, ok := types[f.Type]
		if !ok {
			return fmt.Errorf("field %s has the unknown type %q", f.Name, f.Type)
		}
		fd := gdal.CreateFieldDefinition(f.Name, t)
		err := w.layer.CreateField(fd, false)
		fd.Destroy()
		if err != nil {
			return err
		}
	}
	return w.layer.StartTransaction()
}

// Add writes a feature. There is one value per field of the spec, in its order:
// string, int, int64, float64 or nil for null; NaN is written as null.
func (w *VectorWriter) Add(g Geometry, values ...any) error {
	if !w.open {
		return errors.New(w.path + ": the file is closed")
	}
	if len(values) != len(w.spec.Fields) {
		return fmt.Errorf("%s: %d values for %d fields", w.path, len(values), len(w.spec.Fields))
	}
	if !w.spec.Points && len(g.Polygons) > 0 {
		g.Points = nil
	}
	wkb := g.wkb()
	err := w.native(func() error {
		feature := w.layer.Definition().Create()
		defer feature.Destroy()
		for i, v := range values {
			switch v := v.(type) {
			case nil:
			case string:
				feature.SetFieldString(i, v)
			case int:
				feature.SetFieldInteger64(i, int64(v))
			case int64:
				feature.SetFieldInteger64(i, v)
			case float64:
				if !math.IsNaN(v) {
					feature.SetFieldFloat64(i, v)
				}
			default:
				return fmt.Errorf("field %s: values of type %T cannot be written", w.spec.Fields[i].Name, v)
			}
		}
		if wkb != nil {
			shape, err := gdal.CreateFromWKB(wkb, gdal.SpatialReference{}, len(wkb))
			if err != nil {
				return err
			}
			if !w.spec.Points {
				shape = shape.ForceToMultiPolygon()
			}
			if err := feature.SetGeometryDirectly(shape); err != nil {
				return err
			}
		}
		if err := w.layer.Create(feature); err != nil {
			return err
		}
		if w.batch++; w.batch < commitEvery {
			return nil
		}
		w.batch = 0
		if err := w.layer.CommitTransaction(); err != nil {
			return err
		}
		return w.layer.StartTransaction()
	})
	if err != nil {
		return writeFault(w.path, err)
	}
	w.count++
	return nil
}

// Close completes the file and gives it its name. After an error nothing is left
// behind.
func (w *VectorWriter) Close() error {
	if !w.open {
		return errors.New(w.path + ": the file is closed")
	}
	defer w.work.Remove()
	err := w.native(func() error {
		err := w.layer.CommitTransaction()
		if err == nil && w.spec.Style != "" && strings.EqualFold(filepath.Ext(w.path), ".gpkg") {
			err = w.style()
		}
		w.ds.Close()
		return err
	})
	w.open = false
	if err == nil {
		err = w.verify()
	}
	if err != nil {
		return writeFault(w.path, err)
	}
	return publish(w.temp, w.path)
}

// style adds the table layer_styles, in which QGIS keeps and looks for styles.
func (w *VectorWriter) style() error {
	table := w.ds.CreateLayer("layer_styles", gdal.SpatialReference{}, gdal.GT_None, optionList(map[string]string{"FID": "id"}))
	if table.IsNull() {
		return errors.New("the table of styles cannot be created")
	}
	row := []struct {
		name  string
		kind  gdal.FieldType
		value string
	}{
		{"f_table_catalog", gdal.FT_String, ""}, {"f_table_schema", gdal.FT_String, ""}, {"f_table_name", gdal.FT_String, w.spec.Layer},
		{"f_geometry_column", gdal.FT_String, w.layer.GeometryColumn()}, {"styleName", gdal.FT_String, w.spec.Layer}, {"styleQML", gdal.FT_String, w.spec.Style},
		{"styleSLD", gdal.FT_String, ""}, {"useAsDefault", gdal.FT_Integer, "1"}, {"description", gdal.FT_String, "as " + w.spec.Layer + " is meant to look"},
		{"owner", gdal.FT_String, ""}, {"ui", gdal.FT_String, ""}, {"update_time", gdal.FT_DateTime, w.changed().Format("2006/01/02 15:04:05")},
	}
	for _, f := range row {
		fd := gdal.CreateFieldDefinition(f.name, f.kind)
		err := table.CreateField(fd, false)
		fd.Destroy()
		if err != nil {
			return err
		}
	}
	feature := table.Definition().Create()
	defer feature.Destroy()
	for i, f := range row {
		feature.SetFieldString(i, f.value)
	}
	return table.Create(feature)
}

// verify counts the features of the finished file: OGR's GeoJSON driver does not
// notice a disk that is full.
func (w *VectorWriter) verify() error {
	l, err := OpenVector(w.temp, "", "", nil)
	if err != nil {
		return errors.New("what was written cannot be read again")
	}
	defer l.Close()
	n := l.Count()
	if n < 0 { // the driver does not keep count
		n = 0
		if err := l.Each(context.Background(), func(*Feature) error { n++; return nil }); err != nil {
			return errors.New("what was written cannot be read again")
		}
	}
	if n != w.count {
		return fmt.Errorf("%d features were written, %d are in the file", w.count, n)
	}
	return nil
}

// Abort throws the unfinished file away. After Close it does nothing.
func (w *VectorWriter) Abort() {
	if w == nil {
		return
	}
	if w.open {
		w.open = false
		_ = nativeLenient(func() error { w.ds.Close(); return nil })
	}
	w.work.Remove()
}
