package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// MaxCategories is the number of POI categories that a store can tell apart.
const MaxCategories = 1 << 16

// Meta is what a store says about itself. It is kept as JSON.
type Meta struct {
	FormatVersion int    `json:"format_version"` // set by the writer
	Program       string `json:"program"`        // version of the program that built the store
	Name          string `json:"name"`           // of the region, for titles and tables
	Built         string `json:"built"`          // time of the build, RFC 3339

	Grid   GridSpec   `json:"grid"`
	Bounds [4]float64 `json:"bounds"` // west, south, east, north of all tiles, degrees (WGS84)

	Normalization json.RawMessage `json:"normalization,omitempty"`  // how image numbers became those that are kept
	Colors        *Colors         `json:"colors,omitempty"`         // how images become pictures for people; nil: they are such
	Categories    []string        `json:"categories"`               // POI categories, [C]; set by SetPOIs
	CategoryTable string          `json:"category_table,omitempty"` // text of the table that made them of raw values; empty: these are the raw values
	Attribution   string          `json:"attribution,omitempty"`    // line that the imagery's owner wants to be named by
	Rasters       []Raster        `json:"rasters,omitempty"`        // further numbers of a tile, [K]; set by SetRasters
	TargetUnit    string          `json:"target_unit"`              // "tCO2/yr" or "proxy"; empty without targets

	Config     json.RawMessage `json:"config,omitempty"` // the data section of the experiment, as given
	ConfigHash string          `json:"config_hash"`      // of config and inputs; UpToDate compares it
	Inputs     []InputFile     `json:"inputs,omitempty"`
	Report     json.RawMessage `json:"report,omitempty"` // what the build counted
	Split      string          `json:"split,omitempty"`  // how tiles were split, for people
}

// GridSpec says how the cells of a store lie on the earth.
type GridSpec struct {
	Scheme   string  `json:"scheme"` // xyz | degrees | projected
	Zoom     int     `json:"zoom,omitempty"`
	EPSG     int     `json:"epsg"`
	CellSize float64 `json:"cell_size"` // edge of a cell in the CRS's units
	WKT      string  `json:"wkt,omitempty"`
	// Columns is the number of columns round the globe where the grid closes
	// on itself (xyz: 2^zoom), so that neighbors are found across the
	// antimeridian; 0 where it does not.
	Columns int64 `json:"columns,omitempty"`
}

// Metres is how long a unit of the grid's CRS is: CellSize may be in feet. It is 1
// where the definition does not say, and has no meaning for degrees.
func (g GridSpec) Metres() float64 {
	all := wktUnit.FindAllStringSubmatch(g.WKT, -1)
	if len(all) == 0 {
		return 1
	}
	v, err := strconv.ParseFloat(all[len(all)-1][1], 64) // those before it are of angles
	if err != nil || !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	return v
}

var wktUnit = regexp.MustCompile(`\bUNIT\s*\[\s*"[^"]*"\s*,\s*([0-9.eE+-]+)`)

// InputFile is a file that a store was built from.
type InputFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
}

// MaxRasters is the number of further rasters that a store may have.
const MaxRasters = 1024

// Raster is a further raster of which every tile has a number.
type Raster struct {
	Name string `json:"name"`
	How  string `json:"how"` // mean | sum | max | sd, by the ground that pixels share with the tile
}

func (m *Meta) decode(b []byte, version int) error {
	*m = Meta{}
	if err := json.Unmarshal(b, m); err != nil {
		return err
	}
	if m.FormatVersion != version {
		return fmt.Errorf("format version %d where the header says %d", m.FormatVersion, Version)
	}
	return nil
}

func (m *Meta) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, errors.Join(errors.New("metadata cannot be written as JSON"), err)
	}
	return append(b, '\n'), nil
}

// UpToDate says whether folder dir holds a sound store that was built from the
// configuration and inputs with this hash.
func UpToDate(dir, hash string) bool {
	s, err := Open(dir)
	if err != nil {
		return false
	}
	defer s.Close()
	return hash != "" && s.Meta().ConfigHash == hash
}
