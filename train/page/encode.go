package page

import (
	"encoding/json"
	"math"
	"strconv"

	"opencarbon/data/label"
)

// numbers are written with four significant digits, which is more than a color or a
// panel shows; null where there is none.
type numbers []float64

// MarshalJSON writes them without exponents where a person would.
func (v numbers) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 8*len(v)+2)
	b = append(b, '[')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, x)
	}
	return append(b, ']'), nil
}

func appendNumber(b []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(b, "null"...)
	}
	short := strconv.FormatFloat(x, 'g', 4, 64)
	rounded, err := strconv.ParseFloat(short, 64)
	if a := math.Abs(rounded); err == nil && (a == 0 || a >= 1e-4 && a < 1e9) {
		return strconv.AppendFloat(b, rounded, 'f', -1, 64)
	}
	return append(b, short...)
}

// steps are whole numbers, each but the first written as its difference from the one
// before: neighbors differ little.
type steps []int64

// MarshalJSON writes the differences.
func (v steps) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 3*len(v)+2)
	b = append(b, '[')
	before := int64(0)
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, x-before, 10)
		before = x
	}
	return append(b, ']'), nil
}

// mapData is the page's data as its script reads it (assets/data.js).
type mapData struct {
	Unit       string   `json:"unit"` // empty: a proxy
	Lon        steps    `json:"lon"`
	Lat        steps    `json:"lat"`
	NW         steps    `json:"nw"`
	SW         steps    `json:"sw"`
	Col        steps    `json:"col"`
	Row        steps    `json:"row"`
	KM2        numbers  `json:"km2"`
	Split      string   `json:"split"` // a letter a cell: t(rain), v(alidation), h(eld out: test), n(one)
	True       numbers  `json:"true,omitempty"`
	Predicted  numbers  `json:"predicted"`
	Amount     numbers  `json:"amount,omitempty"` // for sums, where it is not the predicted one
	AmountName string   `json:"amountName"`
	Level      float64  `json:"level,omitempty"` // percent, of low and high
	Low        numbers  `json:"low,omitempty"`
	High       numbers  `json:"high,omitempty"`
	Inside     string   `json:"inside,omitempty"` // 1 or 0 a cell
	Strange    numbers  `json:"strange,omitempty"`
	Since      string   `json:"since,omitempty"` // name of an earlier prediction
	Before     numbers  `json:"before,omitempty"`
	Ratio      numbers  `json:"ratio,omitempty"` // now by then
	RatioLow   numbers  `json:"ratioLow,omitempty"`
	RatioHigh  numbers  `json:"ratioHigh,omitempty"`
	Categories []string `json:"categories,omitempty"`
	Points     []int64  `json:"points,omitempty"`
	Photos     *struct {
		Size    int    `json:"size"`
		Columns int    `json:"columns"`
		URI     string `json:"uri"`
	} `json:"photos,omitempty"`
	Areas []areaData `json:"areas,omitempty"`
}

// areaData is where an area lies.
type areaData struct {
	Name  string  `json:"name"`
	Rings []steps `json:"rings"` // longitudes, then latitudes, of each ring in 1/degree of a degree
}

// encode writes the data of p's map as JSON that may stand in a script element:
// encoding/json writes <, > and & as escapes.
func (m *Map) encode(p Page) ([]byte, error) {
	d := mapData{Unit: Unit(p.Unit), Lon: m.corners.lon, Lat: m.corners.lat, NW: m.corners.nw, SW: m.corners.sw, KM2: m.km2}
	best, name := m.amounts()
	d.AmountName = name
	if m.Extra.Scaled || m.Extra.Corrected {
		d.Amount = best
	}
	k := m.level()
	if k >= 0 {
		d.Level = 100 * m.Extra.Levels[k]
	}
	splits := map[string]byte{"train": 't', "validation": 'v', "test": 'h'}
	truth := m.hasTruth()
	var split, inside []byte
	for _, r := range m.Rows {
		d.Col, d.Row = append(d.Col, r.Col), append(d.Row, r.Row)
		d.Predicted = append(d.Predicted, math.Exp(r.Predicted))
		if truth {
			d.True = append(d.True, math.Exp(r.True))
		}
		if k >= 0 {
			d.Low, d.High = append(d.Low, math.Exp(r.Low[k])), append(d.High, math.Exp(r.High[k]))
		}
		if m.Extra.Domain {
			d.Strange, inside = append(d.Strange, r.Dissimilarity), append(inside, byte('0'+b2i(r.InDomain)))
		}
		c, ok := splits[r.Split]
		if !ok {
			c = 'n'
		}
		split = append(split, c)
	}
	d.Split, d.Inside = string(split), string(inside)
	if s := m.Since; s != nil {
		d.Since, d.Before, d.RatioLow, d.RatioHigh = label.Printable(s.Name), s.Before, s.Low, s.High
		for i, b := range s.Before {
			d.Ratio = append(d.Ratio, s.Now[i]/b)
		}
	}
	if m.points != nil {
		d.Categories, d.Points = m.points.categories, m.points.cells
	}
	if f := m.photos; f != nil {
		d.Photos = &struct {
			Size    int    `json:"size"`
			Columns int    `json:"columns"`
			URI     string `json:"uri"`
		}{f.size, f.columns, f.uri}
	}
	for _, a := range p.Areas.Rows {
		if len(a.rings) > 0 {
			d.Areas = append(d.Areas, areaData{a.Name, a.rings})
		}
	}
	return json.Marshal(d)
}
