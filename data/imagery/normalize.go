package imagery

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/regular"
)

// Normalization records how a mosaic became bytes: what a later run must do to
// the images of another city, and what the store keeps to know that it is stale.
type Normalization struct {
	Source      Source     `json:"source"`
	CRS         string     `json:"crs"`
	DType       string     `json:"dtype"` // GDAL's name
	Width       int        `json:"width"` // of the mosaic, in pixels
	Height      int        `json:"height"`
	PixelSize   [2]float64 `json:"pixel_size"`            // across and down, in the units of CRS
	Bands       []int      `json:"bands"`                 // of a picture, from 1: red, green, blue, or others
	Names       []string   `json:"names,omitempty"`       // of them, by the file, where one was asked for by name
	Type        string     `json:"type,omitempty"`        // float16 | float32; empty: uint8
	Code        string     `json:"code,omitempty"`        // of the mosaic's own numbers
	Preview     []int      `json:"preview,omitempty"`     // places in Bands of those shown to people; empty: the first three
	PreviewLow  []float64  `json:"preview_low,omitempty"` // what they show as black, where Low and High do not say
	PreviewHigh []float64  `json:"preview_high,omitempty"`
	Scale       string     `json:"scale"` // none | minmax | percentile | range
	Percentile  []float64  `json:"percentile,omitempty"`
	Low         []float64  `json:"low"`     // becomes 0; of each band
	High        []float64  `json:"high"`    // becomes 255, or 1 where Type is of floats
	Samples     int64      `json:"samples"` // valid pixels that Low and High were found from; 0: not looked for
	Resampling  string     `json:"resampling"`
	Size        int        `json:"size"` // H = W of a cell's picture
	MinCoverage float64    `json:"min_coverage"`
	Balanced    bool       `json:"balanced,omitempty"`  // pictures of two sources were given one mean and spread (data.imagery.sources)
	TileZoom    int        `json:"tile_zoom,omitempty"` // of map tiles
}

// DecodeNormalization reads what a store says of its images; nil where it says
// nothing or what cannot be read.
func DecodeNormalization(raw json.RawMessage) *Normalization {
	var n Normalization
	if len(raw) == 0 || json.Unmarshal(raw, &n) != nil || n.Scale == "" || len(n.Low) != len(n.Bands) || len(n.High) != len(n.Bands) {
		return nil
	}
	return &n
}

// Source identifies the file or folder. Fingerprint is a SHA-256: of the file's
// size and up to 64 evenly spread blocks of 64 KiB (all of a small file), and of
// names, sizes and times of the files that belong to it (a VRT's sources, a mask
// beside a GeoTIFF); of names, sizes and times for a folder of tiles.
type Source struct {
	Path        string    `json:"path"`
	Files       int       `json:"files"`
	Bytes       int64     `json:"bytes"`
	ModTime     time.Time `json:"mod_time"` // the latest, UTC
	Fingerprint string    `json:"fingerprint"`
}

// Normalize decides how the mosaic's numbers become bytes, which for minmax and
// percentile means reading it (see ScalePercentile). The result does not depend
// on workers. Errors are *fault.Input, or ctx's.
func (m *Mosaic) Normalize(ctx context.Context, workers int) (*Normalization, error) {
	g := m.geotransform
	n := &Normalization{CRS: m.crs.String(), DType: string(m.dtype), Width: m.width, Height: m.height,
		PixelSize: [2]float64{g[1], math.Abs(g[5])}, Bands: slices.Clone(m.spec.Bands), Scale: m.spec.Scale,
		Resampling: m.kernel.String(), Size: m.spec.Size, MinCoverage: m.spec.MinCoverage}
	if len(m.spec.Named) > 0 && !(len(m.spec.Named) == 1 && m.spec.Named[0] == AllBands) {
		n.Names = slices.Clone(m.names)
	}
	if n.Code = m.spec.Code; m.spec.Type != UInt8 {
		n.Type = m.spec.Type
	}
	if len(m.spec.Preview) > 0 {
		n.Preview = slices.Clone(m.preview[:])
	}
	if m.tiles != nil {
		n.TileZoom = m.tiles.zoom
	}
	var err error
	if n.Source, err = m.identify(); err != nil {
		return nil, err
	}
	if n.Scale == "" {
		n.Scale = ScalePercentile
		if m.dtype == raster.Byte {
			n.Scale = ScaleNone
		}
	}
	bands := len(m.pick)
	n.Low, n.High = make([]float64, bands), make([]float64, bands)
	switch n.Scale {
	case ScaleNone:
		for i := range n.High {
			n.High[i] = 255
			if n.Type != "" {
				n.High[i] = 1
			}
		}
		if n.Type != "" {
			return n, m.previewLimits(ctx, n, workers)
		}
	case ScaleRange:
		for i := range bands {
			at := 2 * i % len(m.spec.Range) // one range for all bands, or one each
			n.Low[i], n.High[i] = m.spec.Range[at], m.spec.Range[at+1]
		}
	default:
		if n.Scale == ScalePercentile {
			n.Percentile = slices.Clone(m.spec.Percentile)
		}
		with := *m
		with.spec.Scale = n.Scale
		low, high, samples, err := with.limits(ctx, crew(workers))
		if err != nil {
			return nil, err
		}
		for i, k := range m.pick {
			n.Low[i], n.High[i] = low[k], high[k]
		}
		n.Samples = samples
	}
	return n, nil
}

// previewLimits finds what people see as black and full color of pictures that keep
// the mosaic's own numbers: the usual percentiles of the three bands that are shown.
func (m *Mosaic) previewLimits(ctx context.Context, n *Normalization, workers int) error {
	with := *m
	with.spec.Scale, with.spec.Percentile, with.read = ScalePercentile, []float64{2, 98}, nil
	var place [3]int
	for i, p := range m.preview {
		b := m.spec.Bands[p]
		if place[i] = slices.Index(with.read, b); place[i] < 0 {
			place[i] = len(with.read)
			with.read = append(with.read, b)
		}
	}
	low, high, _, err := with.limits(ctx, crew(workers))
	if err != nil {
		return err
	}
	for _, k := range place {
		n.PreviewLow, n.PreviewHigh = append(n.PreviewLow, low[k]), append(n.PreviewHigh, high[k])
	}
	return nil
}

// crew is the number of goroutines for a wish; 0 is all cores.
func crew(workers int) int {
	if workers < 1 {
		return runtime.GOMAXPROCS(0)
	}
	return min(workers, 256)
}

// Source identifies the file or folder that the mosaic is read from.
func (m *Mosaic) Source() (Source, error) { return m.identify() }

// identify computes the source's fingerprint.
func (m *Mosaic) identify() (Source, error) {
	s := Source{Path: m.spec.Path}
	sum := sha256.New()
	if m.tiles != nil {
		var names []string
		for _, name := range m.tiles.files {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			info, err := fs.Stat(m.tiles.fsys, name)
			if err != nil {
				return s, m.tiles.tileFault(name, err)
			}
			s.note(info)
			fmt.Fprintf(sum, "%s\x00%d\x00%d\x00", name, info.Size(), info.ModTime().UnixNano())
		}
		s.Fingerprint = hex.EncodeToString(sum.Sum(nil))
		return s, nil
	}
	file := onDisk(s.Path)
	if file == "" { // a name only GDAL understands: NETCDF:"file":variable, /vsicurl/...
		sum.Write([]byte(s.Path))
		s.Fingerprint = hex.EncodeToString(sum.Sum(nil))
		return s, nil
	}
	f, err := regular.Open(file)
	if err != nil {
		return s, fault.Wrap(err, file, "cannot be read", "check the path and its permissions")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s, fault.Wrap(err, file, "cannot be read", "check the path and its permissions")
	}
	s.note(info)
	_ = binary.Write(sum, binary.LittleEndian, info.Size())
	const block, blocks = 64 << 10, 64
	if info.Size() <= block*blocks {
		_, err = io.Copy(sum, f)
	} else {
		buf := make([]byte, block)
		for i := int64(0); i < blocks && err == nil; i++ {
			if _, err = f.ReadAt(buf, (info.Size()-block)*i/(blocks-1)); err == nil {
				sum.Write(buf)
			}
		}
	}
	if err != nil && info.Mode().IsRegular() {
		return s, fault.Wrap(err, file, "cannot be read", "check the disk, or fetch the file again")
	}
	for _, other := range m.files {
		if other == file || other == s.Path || strings.HasPrefix(other, "/vsi") {
			continue
		}
		if info, err := os.Stat(other); err == nil {
			s.note(info)
			fmt.Fprintf(sum, "%s\x00%d\x00%d\x00", filepath.Base(other), info.Size(), info.ModTime().UnixNano())
		}
	}
	s.Fingerprint = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

func (s *Source) note(info fs.FileInfo) {
	s.Files++
	s.Bytes += info.Size()
	if t := info.ModTime().UTC(); t.After(s.ModTime) {
		s.ModTime = t
	}
}

// onDisk returns the file that a path names: itself, or the archive it goes
// through (mosaic.zip/inner.tif), or "".
func onDisk(path string) string {
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if at := strings.Index(strings.ToLower(path), ".zip/"); at >= 0 {
		if _, err := os.Stat(path[:at+4]); err == nil {
			return path[:at+4]
		}
	}
	return ""
}
