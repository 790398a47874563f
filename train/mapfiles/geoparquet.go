package mapfiles

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"opencarbon/train/atomicfile"
	"opencarbon/train/columnar"
)

// geo is the metadata of GeoParquet 1.1 (geoparquet.org/releases/v1.1.0).
type geo struct {
	Version string               `json:"version"`
	Primary string               `json:"primary_column"`
	Columns map[string]geoColumn `json:"columns"`
}

type geoColumn struct {
	Encoding    string          `json:"encoding"`
	Types       []string        `json:"geometry_types"`
	CRS         json.RawMessage `json:"crs"`
	Orientation string          `json:"orientation"`
	BBox        [4]float64      `json:"bbox"`
}

// geometryColumn is the name that GeoParquet's readers expect.
const geometryColumn = "geometry"

// WriteGeoParquet writes the cells as polygons in the grid's CRS, with the columns
// of predictions.csv. Numbers that there are not are null.
func (c *Cells) WriteGeoParquet(path string) error {
	crs, err := c.Grid.CRS().PROJJSON()
	if err != nil {
		return err
	}
	if len(c.Rows) == 0 {
		return fmt.Errorf("%s: no cells to write", path)
	}
	column := geoColumn{Encoding: "WKB", Types: []string{"Polygon"}, CRS: json.RawMessage(crs), Orientation: "counterclockwise",
		BBox: [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}}
	for _, r := range c.Rows {
		w, s, e, n := c.bounds(r)
		b := &column.BBox
		b[0], b[1], b[2], b[3] = min(b[0], w), min(b[1], s), max(b[2], e), max(b[3], n)
	}
	about, err := json.Marshal(geo{Version: "1.1.0", Primary: geometryColumn, Columns: map[string]geoColumn{geometryColumn: column}})
	if err != nil {
		return err
	}
	// The columns of a row are asked for one after another: its values are made once.
	at, values := 0, c.Rows[0].Values(c.Extra)
	row := func(i int) []any {
		if i != at {
			at, values = i, c.Rows[i].Values(c.Extra)
		}
		return values
	}
	var columns []columnar.Column
	for k, name := range c.Extra.Columns(c.Unit) {
		x := columnar.Column{Name: name, Value: func(i int) any { return row(i)[k] }}
		switch values[k].(type) {
		case string:
			x.Kind = columnar.Text
		case int64:
			x.Kind = columnar.Integer
		default:
			x.Kind, x.Gaps = columnar.Real, true
		}
		columns = append(columns, x)
	}
	columns = append(columns, columnar.Column{Name: geometryColumn, Kind: columnar.Binary, Value: func(i int) any {
		return square(c.bounds(c.Rows[i]))
	}})
	return atomicfile.Write(path, func(w io.Writer) error {
		return columnar.Write(w, "predictions", len(c.Rows), columns, map[string]string{"geo": string(about)})
	})
}

// square is a rectangle as well-known binary: a polygon of one ring,
// counterclockwise.
func square(w, s, e, n float64) []byte {
	le := binary.LittleEndian
	const littleEndian, polygon = 1, 3
	b := le.AppendUint32([]byte{littleEndian}, polygon)
	b = le.AppendUint32(le.AppendUint32(b, 1), 5) // rings, points
	for _, v := range [...]float64{w, s, e, s, e, n, w, n, w, s} {
		b = le.AppendUint64(b, math.Float64bits(v))
	}
	return b
}
