package mapfiles

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/train/atomicfile"
)

// Versions of what an item conforms to: stacspec.org, and its extensions for
// models (MLM) and projections.
const (
	stacVersion      = "1.0.0"
	mlmSchema        = "https://stac-extensions.github.io/mlm/v1.5.0/schema.json"
	projectionSchema = "https://stac-extensions.github.io/projection/v1.1.0/schema.json"
)

// Model is what an item says of the model.
type Model struct {
	Path         string // of the checkpoint; an item names it relative to itself
	Architecture string
	Framework    string // and its version, e.g. of libtorch
	Version      string
	Inputs       []Tensor
	Output       string         // what is predicted
	Parameters   map[string]any // hyperparameters; names of letters, digits, _ . and -
}

// Tensor is an input: a batch of arrays.
type Tensor struct {
	Name, About string
	Shape       []int    // without the batch
	Dims        []string // names of Shape's dimensions
	Type        string   // e.g. uint8
}

type object = map[string]any

// assetKinds are media types and roles by the file's ending.
var assetKinds = map[string][2]string{
	".tif":     {"image/tiff; application=geotiff; profile=cloud-optimized", "data"},
	".gpkg":    {"application/geopackage+sqlite3", "data"},
	".geojson": {"application/geo+json", "data"},
	".parquet": {"application/vnd.apache.parquet", "data"},
	".nc":      {"application/netcdf", "data"},
	".csv":     {"text/csv", "data"},
	".xlsx":    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "data"},
	".qml":     {"application/xml", "metadata"},
	".png":     {"image/png", "overview"},
	".html":    {"text/html", "overview"},
}

// WriteSTAC writes a STAC item that catalogs the files: where and when they are of,
// and by which model, in the terms of the extension for models. The files' names
// are kept relative to the item. year is as for WriteNetCDF; without one the item
// is of the time written.
func (c *Cells) WriteSTAC(path, year string, files []string, m Model, written time.Time) error {
	bbox, geometry, err := c.footprint()
	if err != nil {
		return err
	}
	region := c.About["REGION"]
	id, properties := region, object{"datetime": written.UTC().Format(time.RFC3339), "title": "Carbon dioxide emissions of " + region + ", predicted per cell"}
	if _, days := period(year); days > 0 {
		year = strings.TrimSpace(year)
		id += "-" + year
		properties["datetime"], properties["start_datetime"], properties["end_datetime"] = nil, year+"-01-01T00:00:00Z", year+"-12-31T23:59:59Z"
	}
	for k, v := range c.About {
		if k != "BAND_1" && k != "REGION" && k != "YEAR" {
			properties["opencarbon:"+strings.ToLower(k)] = v
		}
	}
	m.describe(properties)
	properties["proj:epsg"] = nil
	if code, ok := strings.CutPrefix(c.Grid.CRS().String(), "EPSG:"); ok {
		if n, err := strconv.Atoi(code); err == nil {
			properties["proj:epsg"] = n
		}
	}
	if properties["proj:epsg"] == nil {
		text, err := c.Grid.CRS().PROJJSON()
		if err != nil {
			return err
		}
		properties["proj:projjson"] = json.RawMessage(text)
	}
	folder, assets := filepath.Dir(path), object{}
	for _, f := range files {
		kind, known := assetKinds[filepath.Ext(f)]
		if !known {
			kind = [2]string{"application/octet-stream", "data"}
		}
		name := strings.NewReplacer(".", "_").Replace(filepath.Base(f))
		assets[name] = object{"href": relative(folder, f), "type": kind[0], "roles": []string{kind[1]}}
	}
	assets["model"] = object{"href": relative(folder, m.Path), "type": "application/octet-stream; application=safetensors", "title": "Checkpoint",
		"roles": []string{"mlm:model", "mlm:weights"}, "mlm:artifact_type": "safetensors.torch.save_file"}
	text, err := json.MarshalIndent(object{
		"type": "Feature", "stac_version": stacVersion, "stac_extensions": []string{mlmSchema, projectionSchema}, "id": id,
		"geometry": geometry, "bbox": bbox, "properties": properties, "links": []any{}, "assets": assets,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.WriteBytes(path, append(text, '\n'))
}

// describe adds the model to an item's properties.
func (m *Model) describe(properties object) {
	var inputs []object
	for _, x := range m.Inputs {
		shape, dims := append([]int{-1}, x.Shape...), append([]string{"batch"}, x.Dims...)
		inputs = append(inputs, object{"name": x.Name, "description": x.About, "bands": []string{}, "input": object{"shape": shape, "dim_order": dims, "data_type": x.Type}})
	}
	task := []string{"regression"}
	properties["mlm:name"], properties["mlm:architecture"], properties["mlm:tasks"] = "OpenCarbon", m.Architecture, task
	properties["mlm:framework"] = m.Framework
	if m.Version != "" {
		properties["mlm:framework_version"] = m.Version
	}
	properties["mlm:input"] = inputs
	properties["mlm:output"] = []object{{"name": m.Output, "tasks": task, "bands": []string{},
		"result": object{"shape": []int{-1}, "dim_order": []string{"batch"}, "data_type": "float32"}}}
	if len(m.Parameters) > 0 {
		properties["mlm:hyperparameters"] = m.Parameters
	}
}

// relative is file as it is named from folder, with slashes; where there is no way
// to it, its name alone.
func relative(folder, file string) string {
	a, err1 := filepath.Abs(folder)
	b, err2 := filepath.Abs(file)
	if err1 == nil && err2 == nil {
		if r, err := filepath.Rel(a, b); err == nil {
			r = filepath.ToSlash(r)
			if !strings.HasPrefix(r, ".") {
				r = "./" + r
			}
			return r
		}
	}
	return "./" + filepath.Base(file)
}

// footprint is the bounding box of the cells in longitude and latitude, and its
// polygon: two where it lies over the antimeridian, where by RFC 7946 the box's west
// is greater than its east.
func (c *Cells) footprint() (bbox []float64, geometry object, err error) {
	to, err := raster.NewTransform(c.Grid.CRS(), grid.WGS84())
	if err != nil {
		return nil, nil, err
	}
	defer to.Close()
	var x, y []float64
	for _, cell := range c.placed() {
		w, s, e, n := c.Grid.Bounds(cell)
		x, y = append(x, w, e, e, w), append(y, s, s, n, n)
	}
	if len(x) == 0 {
		return nil, nil, fmt.Errorf("a STAC item of no cells")
	}
	if err := to.Points(x, y); err != nil {
		return nil, nil, err
	}
	west, east := span(x)
	if east-west > 180 { // both ends of the map, unless it is of more than half the earth
		turned := make([]float64, len(x))
		for i, v := range x {
			if turned[i] = v; v < 0 {
				turned[i] += 360
			}
		}
		if w, e := span(turned); e-w < east-west {
			west, east = w, e
		}
	}
	if west >= 180 {
		west, east = west-360, east-360
	}
	south, north := span(y)
	const digits = 1e7 // a centimeter
	round := func(v float64) float64 { return math.Round(v*digits) / digits }
	west, south, east, north = round(west), round(south), round(east), round(north)
	box := func(w, e float64) [][][2]float64 {
		return [][][2]float64{{{w, south}, {e, south}, {e, north}, {w, north}, {w, south}}}
	}
	if east > 180 && east-west < 360 {
		return []float64{west, south, round(east - 360), north},
			object{"type": "MultiPolygon", "coordinates": [][][][2]float64{box(west, 180), box(-180, round(east-360))}}, nil
	}
	return []float64{west, south, east, north}, object{"type": "Polygon", "coordinates": box(west, east)}, nil
}

func span(v []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, x := range v {
		low, high = min(low, x), max(high, x)
	}
	return low, high
}
