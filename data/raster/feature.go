//go:build !nogdal

package raster

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lukeroth/gdal"

	"opencarbon/data/charset"
	"opencarbon/data/fault"
)

// Feature is one row of a layer, as plain Go values: it may be kept.
type Feature struct {
	FID      int64
	Geometry Geometry
	layer    *Layer
	values   []value
}

// value holds one attribute: text, or number for Integer and Real.
type value struct {
	text   string
	number float64
	set    bool
}

// feature copies a feature into Go values.
func (l *Layer) feature(raw gdal.Feature) (*Feature, error) {
	f := &Feature{FID: raw.FID(), layer: l, values: make([]value, len(l.fields))}
	for i, field := range l.fields {
		if !raw.IsFieldSetAndNotNull(i) {
			continue
		}
		v := value{set: true}
		switch field.Type {
		case Integer:
			v.number = float64(raw.FieldAsInteger64(i))
			v.text = strconv.FormatInt(raw.FieldAsInteger64(i), 10)
		case Real:
			v.number = raw.FieldAsFloat64(i)
		default:
			v.text = raw.FieldAsString(i)
			// A field of fixed width may end within a character.
			if cut := charset.Uncut([]byte(v.text)); len(cut) < len(v.text) && utf8.Valid(cut) {
				v.text = string(cut)
			}
		}
		f.values[i] = v
	}
	g := raw.Geometry()
	if g.IsNull() || g.IsEmpty() {
		return f, nil
	}
	wkb, err := g.ToWKB()
	if err != nil {
		return nil, err
	}
	shape, err := parseWKB(wkb)
	if err != nil { // a curve, a surface: let OGR make it straight
		flat := g.Clone().ForceToMultiPolygon()
		defer flat.Destroy()
		if wkb, err = flat.ToWKB(); err != nil {
			return nil, err
		}
		if shape, err = parseWKB(wkb); err != nil {
			return nil, err
		}
	}
	f.Geometry = shape
	return f, nil
}

// Text returns an attribute as text; ok is false when it is null or there is no
// such attribute (see Layer.Has).
func (f *Feature) Text(name string) (v string, ok bool) {
	i, known := f.layer.index[name]
	if !known || !f.values[i].set {
		return "", false
	}
	if f.layer.fields[i].Type == Real {
		return realText(f.values[i].number), true
	}
	return f.values[i].text, true
}

// realText writes a number as a person would: a code of nine digits that a file
// keeps as a floating-point number has no exponent.
func realText(v float64) string {
	if a := math.Abs(v); a == 0 || a >= 1e-6 && a < 1e21 {
		return strconv.FormatFloat(v+0, 'f', -1, 64) // -0 is 0
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Float returns an attribute as a number; ok is false when it is null or absent.
// Text is read as a number where it is one, else that is the error.
func (f *Feature) Float(name string) (v float64, ok bool, err error) {
	i, known := f.layer.index[name]
	if !known || !f.values[i].set {
		return 0, false, nil
	}
	if f.layer.fields[i].Type != Text {
		return f.values[i].number, true, nil
	}
	text := strings.TrimSpace(f.values[i].text)
	if text == "" {
		return 0, false, nil
	}
	v, err = strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false, fault.New(f.layer.path, fmt.Sprintf("attribute %q of feature %d is %s, not a number", name, f.FID, quoted(text)),
			"choose a numeric attribute")
	}
	if math.IsNaN(v) {
		return 0, false, nil
	}
	return v, true, nil
}
