// Package mapfiles writes predicted cells for other programs: GeoParquet for data
// frames, a workbook for spreadsheets, CF NetCDF for modelers of the atmosphere,
// and a STAC item for catalogs. All have the columns of predictions.csv
// (runlog.Extra.Columns), the key "cell", and the same numbers.
//
// It is given rows and writes files, each whole or not at all. It knows no
// checkpoints and no tensors; what model made the numbers is told to it in words.
package mapfiles

import (
	"opencarbon/data/grid"
	"opencarbon/train/runlog"
)

// Cells are what is written: a row per cell of a grid.
type Cells struct {
	Grid  *grid.Grid
	Rows  []runlog.Prediction // [N]
	Extra runlog.Extra        // which columns there are
	Unit  string              // of amounts, e.g. "tCO2/yr"; "proxy" or empty: none

	// Placed are the cells where a map has them side by side, which differs from Rows
	// over the antimeridian; nil: as in Rows.
	Placed []grid.Cell
	About  map[string]string // what there is to say of the map, such as MODEL and YEAR
}

// cells of the rows, [N].
func (c *Cells) cells() []grid.Cell {
	out := make([]grid.Cell, len(c.Rows))
	for i, r := range c.Rows {
		out[i] = grid.Cell{Col: r.Col, Row: r.Row}
	}
	return out
}

func (c *Cells) placed() []grid.Cell {
	if c.Placed != nil {
		return c.Placed
	}
	return c.cells()
}

// values are the columns' values by row, [N][columns].
func (c *Cells) values() [][]any {
	out := make([][]any, len(c.Rows))
	for i, r := range c.Rows {
		out[i] = r.Values(c.Extra)
	}
	return out
}

// numbers are the values of each column, [columns][N]; those of texts are nil.
func (c *Cells) numbers() [][]float64 {
	var out [][]float64
	for _, r := range c.Rows {
		values := r.Values(c.Extra)
		if out == nil {
			out = make([][]float64, len(values))
		}
		for k, v := range values {
			switch v := v.(type) {
			case float64:
				out[k] = append(out[k], v)
			case int64:
				out[k] = append(out[k], float64(v))
			}
		}
	}
	return out
}

// bounds of a cell in the grid's CRS.
func (c *Cells) bounds(r runlog.Prediction) (minX, minY, maxX, maxY float64) {
	return c.Grid.Bounds(grid.Cell{Col: r.Col, Row: r.Row})
}
