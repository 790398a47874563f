package page

import (
	"fmt"
	"math"

	"opencarbon/data/grid"
	"opencarbon/data/label"
	"opencarbon/data/store"
	"opencarbon/train/runlog"
)

// Limits that keep a page light.
const (
	maxCells  = 50_000    // of a map; beyond, a GIS is the better place
	maxPoints = 20_000    // cells whose points of interest are listed
	maxPhotos = 2_200_000 // bytes of JPEG; a third more in the page
)

// Map is the cells of a page.
type Map struct {
	Rows  []runlog.Prediction
	Extra runlog.Extra
	Notes []string // what the map has not, and why
	Since *Since   // an earlier prediction; nil: none

	grid    *grid.Grid
	corners corners
	km2     []float64 // [cells]
	points  *points   // nil: none
	photos  *photos   // nil: none
}

// NewMap places rows on the earth. s, which may be nil, is where their images and
// points of interest lie, its cells in any order; cells that it has not go without.
// More rows than a page can carry are no map: nil, and why says so.
func NewMap(g *grid.Grid, rows []runlog.Prediction, x runlog.Extra, s *store.Store) (m *Map, why string, err error) {
	if len(rows) == 0 {
		return nil, "There are no cells.", nil
	}
	if len(rows) > maxCells {
		return nil, fmt.Sprintf("The %d cells are more than a page can show (%d): open the GeoTIFF or GeoPackage of go run ./cmd/predict in QGIS.", len(rows), maxCells), nil
	}
	m = &Map{Rows: rows, Extra: x, grid: g}
	measure, err := g.NewMeasure()
	if err == nil {
		defer measure.Close()
		m.km2, err = measure.Areas(cellsOf(rows))
	}
	if err == nil {
		err = fits(measure, rows)
	}
	if err == nil {
		m.corners, err = cornersOf(g, rows)
	}
	if err != nil { // a page without a map is better than none
		return nil, fmt.Sprintf("The cells cannot be placed on the earth: %v.", err), nil
	}
	if s == nil {
		return m, "", nil
	}
	at := tilesOf(s, rows)
	if s.HasPOIs() && len(rows) <= maxPoints {
		m.points = countPoints(s, at)
	}
	if s.HasImages() {
		if m.photos, err = takePhotos(s, at, maxPhotos); err != nil {
			return nil, "", err
		}
		if m.photos == nil {
			m.Notes = append(m.Notes, fmt.Sprintf("Images of %d cells would make the page too large, and are left out.", len(rows)))
		} else if a := s.Meta().Attribution; a != "" {
			m.Notes = append(m.Notes, "Images: "+label.Printable(a))
		}
	}
	return m, "", nil
}

// fits says whether rows lie where the grid puts them: a table of another grid would
// be drawn somewhere else.
func fits(measure *grid.Measure, rows []runlog.Prediction) error {
	lon, lat, err := measure.Centers(cellsOf(rows))
	if err != nil {
		return err
	}
	for i, r := range rows {
		// Tables keep six digits.
		if math.Abs(math.Remainder(lon[i]-r.Lon, 360)) > 1e-4 || math.Abs(lat[i]-r.Lat) > 1e-4 {
			return fmt.Errorf("cell %s lies at %.6f, %.6f, where its grid has %.6f, %.6f", runlog.Key(r.Col, r.Row), r.Lon, r.Lat, lon[i], lat[i])
		}
	}
	return nil
}

func cellsOf(rows []runlog.Prediction) []grid.Cell {
	cells := make([]grid.Cell, len(rows))
	for i, r := range rows {
		cells[i] = grid.Cell{Col: r.Col, Row: r.Row}
	}
	return cells
}

// tilesOf finds the rows in a store; -1 where it has no such cell.
func tilesOf(s *store.Store, rows []runlog.Prediction) []int {
	tile := make(map[store.Cell]int, s.Len())
	for i, c := range s.Cells() {
		tile[c] = i
	}
	at := make([]int, len(rows))
	for i, r := range rows {
		k, ok := tile[store.Cell{Col: r.Col, Row: r.Row}]
		if !ok {
			k = -1
		}
		at[i] = k
	}
	return at
}

func (m *Map) hasTruth() bool {
	for _, r := range m.Rows {
		if !math.IsNaN(r.True) {
			return true
		}
	}
	return false
}

// level is the index of the interval that is shown, 90% or the middle one; -1
// where there is none.
func (m *Map) level() int {
	for k, l := range m.Extra.Levels {
		if l == 0.9 {
			return k
		}
	}
	return len(m.Extra.Levels)/2 - b2i(len(m.Extra.Levels) == 0)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// amounts are those that may be added up, and what they are called: scaled to known
// totals, else corrected, else predicted.
func (m *Map) amounts() (v []float64, name string) {
	v = make([]float64, len(m.Rows))
	name = "predicted"
	for i, r := range m.Rows {
		switch {
		case m.Extra.Scaled:
			v[i], name = r.Scaled, "scaled to the known total"
		case m.Extra.Corrected:
			v[i], name = r.Corrected, "corrected, for sums"
		default:
			v[i] = math.Exp(r.Predicted)
		}
	}
	return v, name
}

// outside is the share of cells outside the domain of the model; NaN where it is
// not known.
func (m *Map) outside() float64 {
	if !m.Extra.Domain {
		return math.NaN()
	}
	n := 0
	for _, r := range m.Rows {
		n += b2i(!r.InDomain)
	}
	return float64(n) / float64(len(m.Rows))
}
