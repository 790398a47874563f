package imagery

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
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
	PixelSize   [2]float64 `json:"pixel_size"` // across and down, in the units of CRS
	Bands       []int      `json:"bands"`      // red, green, blue, from 1
	Scale       string     `json:"scale"`      // none | minmax | percentile | range
	Percentile  []float64  `json:"percentile,omitempty"`
	Low         [3]float64 `json:"low"`     // becomes 0; of red, green, blue
	High        [3]float64 `json:"high"`    // becomes 255
	Samples     int64      `json:"samples"` // valid pixels that Low and High were found from; 0: not looked for
	Resampling  string     `json:"resampling"`
	Size        int        `json:"size"` // H = W of a cell's picture
	MinCoverage float64    `json:"min_coverage"`
	TileZoom    int        `json:"tile_zoom,omitempty"` // of map tiles
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
		PixelSize: [2]float64{g[1], -g[5]}, Bands: slices.Clone(m.spec.Bands), Scale: m.spec.Scale,
		Resampling: m.kernel.String(), Size: m.spec.Size, MinCoverage: m.spec.MinCoverage}
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
	switch n.Scale {
	case ScaleNone:
		n.High = [3]float64{255, 255, 255}
	case ScaleRange:
		for i := range 3 {
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

// crew is the number of goroutines for a wish; 0 is all cores.
func crew(workers int) int {
	if workers < 1 {
		return runtime.GOMAXPROCS(0)
	}
	return min(workers, 256)
}

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

// bytes turns resampled bands, as read, into a picture [3, H, W]. Pixels whose
// mask is 0 become 0; a nil mask means that all have a value.
func (m *Mosaic) bytes(n *Normalization, rgb []uint8, bands []float32, mask []uint8) {
	area := len(rgb) / 3
	for i, k := range m.pick {
		low, scale := float32(n.Low[i]), float32(0)
		if width := n.High[i] - n.Low[i]; width > 0 {
			scale = float32(255 / width)
		}
		src, dst := bands[k*area:(k+1)*area], rgb[i*area:(i+1)*area]
		for j, v := range src {
			v = (v-low)*scale + 0.5
			switch {
			case v >= 255:
				dst[j] = 255
			case v > 0:
				dst[j] = uint8(v)
			default: // also NaN, which no path produces
				dst[j] = 0
			}
		}
		for j, ok := range mask {
			if ok == 0 {
				dst[j] = 0
			}
		}
	}
}
