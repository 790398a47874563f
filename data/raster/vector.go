//go:build !nogdal

package raster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lukeroth/gdal"

	"opencarbon/data/fault"
)

// Layer is an open vector layer. It belongs to one goroutine at a time.
type Layer struct {
	layers []string // all of the file
	ds     gdal.Dataset
	layer  gdal.Layer
	sql    bool // layer is a result set that must be given back
	open   bool
	path   string
	name   string
	fields []Field
	index  map[string]int
	crs    *CRS
	count  int
	plain  bool
}

// OpenVector opens a layer of a vector file that OGR knows. layer "" is the
// first one ("points" for OpenStreetMap files); where is an OGR attribute filter
// or empty; openOptions are the driver's. Every error is a *fault.Input.
func OpenVector(path, layer, where string, openOptions map[string]string) (*Layer, error) {
	name, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if _, declared := openOptions["ENCODING"]; !declared {
		if e := attributeEncoding(name); e != "" {
			openOptions = maps.Clone(openOptions)
			if openOptions == nil {
				openOptions = map[string]string{}
			}
			openOptions["ENCODING"] = e
		}
	}
	l := &Layer{path: path, index: map[string]int{}}
	err = native(func() error {
		var err error
		l.ds, err = gdal.OpenEx(name, gdal.OFReadOnly|gdal.OFVector|gdal.OFVerbose_Error, nil, optionList(openOptions), nil)
		l.open = !l.ds.IsNull()
		return err
	})
	if !l.open {
		return nil, fault.Wrap(err, path, "cannot be opened as a vector file", "check that the file is complete and of a format OGR reads (ogrinfo FILE)")
	}
	if err := l.choose(layer, where); err != nil {
		l.Close()
		return nil, err
	}
	if err := l.inspect(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// choose finds the layer and sets the filter.
func (l *Layer) choose(layer, where string) error {
	var names []string
	var osm bool
	_ = nativeLenient(func() error {
		for i := 0; ; i++ {
			one := l.ds.LayerByIndex(i)
			if one.IsNull() {
				break
			}
			names = append(names, one.Name())
		}
		osm = l.ds.Driver().ShortName() == "OSM"
		return nil
	})
	if len(names) == 0 {
		return fault.New(l.path, "the file has no layers", "check it with ogrinfo")
	}
	if layer == "" {
		layer = names[0]
	}
	l.layers = names
	if !slices.Contains(names, layer) {
		return fault.New(l.path, fmt.Sprintf("there is no layer %q", layer), "the file has: "+strings.Join(names, ", "))
	}
	l.name = layer
	err := native(func() error {
		if osm {
			// The OSM driver reads all layers at once and overflows unless a
			// query tells it that one alone is wanted.
			query := "SELECT * FROM " + layer
			if where != "" {
				query += " WHERE " + where
			}
			l.layer, l.sql = l.ds.ExecuteSQL(query, gdal.Geometry{}, ""), true
			if l.layer.IsNull() {
				return errors.New("the query " + query + " failed")
			}
			return nil
		}
		l.layer = l.ds.LayerByName(layer)
		if l.layer.IsNull() {
			return errors.New("the layer cannot be opened")
		}
		if where != "" {
			return l.layer.SetAttributeFilter(where)
		}
		return nil
	})
	if err != nil && where != "" {
		return fault.Wrap(err, l.path, fmt.Sprintf("the attribute filter %q does not work on layer %s", where, layer),
			`write it as OGR wants it, e.g. "name = 'Fengtai'"`)
	} else if err != nil {
		return fault.Wrap(err, l.path, "layer "+layer+" cannot be opened", "check it with ogrinfo")
	}
	return nil
}

// inspect reads the layer's schema.
func (l *Layer) inspect() error {
	err := nativeLenient(func() error {
		def := l.layer.Definition()
		for i := range def.FieldCount() {
			fd := def.FieldDefinition(i)
			f := Field{Name: fd.Name(), Type: Text}
			switch fd.Type() {
			case gdal.FT_Integer, gdal.FT_Integer64:
				f.Type = Integer
			case gdal.FT_Real:
				f.Type = Real
			}
			l.fields = append(l.fields, f)
			if _, twice := l.index[f.Name]; !twice {
				l.index[f.Name] = i
			}
		}
		l.plain = l.layer.Type() == gdal.GT_None
		l.count = -1
		if l.layer.TestCapability("FastFeatureCount") {
			if n, ok := l.layer.FeatureCount(true); ok {
				l.count = n
			}
		}
		if sr := l.layer.SpatialReference(); !sr.IsNull() {
			wkt, err := sr.ToWKT()
			if err != nil {
				return err
			}
			l.crs, err = crsFrom(func(s gdal.SpatialReference) error { return s.FromWKT(wkt) })
			if err != nil && !errors.Is(err, errNoPlace) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fault.Wrap(err, l.path, "the layer's description cannot be read", "check it with ogrinfo -so -al")
	}
	return nil
}

// Path returns the path as given to OpenVector.
func (l *Layer) Path() string { return l.path }

// Name returns the layer's name.
func (l *Layer) Name() string { return l.name }

// Layers returns the names of all layers of the file.
func (l *Layer) Layers() []string { return slices.Clone(l.layers) }

// Fields returns the layer's attributes in the file's order.
func (l *Layer) Fields() []Field { return slices.Clone(l.fields) }

// CRS returns the layer's CRS, or nil.
func (l *Layer) CRS() *CRS { return l.crs }

// Plain reports whether the layer is a table without geometries (a sheet, a DBF
// file).
func (l *Layer) Plain() bool { return l.plain }

// Count returns the number of features that Each will give, or -1 where the
// format cannot tell without reading everything.
func (l *Layer) Count() int { return l.count }

// Has returns an error that lists the available attributes unless there is one
// with that name (case matters).
func (l *Layer) Has(name string) error {
	if _, ok := l.index[name]; ok {
		return nil
	}
	var names []string
	for _, f := range l.fields {
		names = append(names, f.Name)
	}
	have := strings.Join(names, ", ")
	if have == "" {
		have = "none at all"
	}
	return fault.New(l.path, fmt.Sprintf("layer %s has no attribute %q", l.name, name), "it has: "+have)
}

// Each calls f for every feature in the file's order. It stops at f's first
// error and returns it as it is, and when ctx is cancelled.
func (l *Layer) Each(ctx context.Context, f func(*Feature) error) error {
	if !l.open {
		return errors.New(l.path + ": the layer is closed")
	}
	if err := l.readFault(-1, native(func() error { l.layer.ResetReading(); return nil })); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		var feature *Feature
		err := native(func() error {
			raw := l.layer.NextFeature()
			if raw == nil {
				return nil
			}
			defer raw.Destroy()
			var err error
			feature, err = l.feature(*raw)
			return err
		})
		if err != nil {
			return l.readFault(n, err)
		}
		if feature == nil {
			return nil
		}
		if err := f(feature); err != nil {
			return err
		}
	}
}

func (l *Layer) readFault(n int, err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, l.path, fmt.Sprintf("layer %s cannot be read (feature %d)", l.name, n+1), "the file is damaged or cut short: fetch or copy it again")
}

// Close frees the layer. It may be called more than once.
func (l *Layer) Close() {
	if l == nil || !l.open {
		return
	}
	l.open = false
	_ = nativeLenient(func() error {
		if l.sql && !l.layer.IsNull() {
			l.ds.ReleaseResultSet(l.layer)
		}
		l.ds.Close()
		return nil
	})
}
