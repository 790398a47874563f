package raster

import (
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/paths"
	"opencarbon/data/regular"
)

// A VRT of any kind names what it reads in one of these: mosaics, pansharpened and
// raw ones, warped ones, vector ones; heights and places of pixels beside them.
var vrtSource = regexp.MustCompile(`(?is)<(SourceFilename|SourceDataset|SrcDataSource|DEMPath|MDI\s+key\s*=\s*["'][XY]_DATASET["'])([^>]*)>([^<]+)</`)

var relativeToVRT = regexp.MustCompile(`(?i)relativetovrt\s*=\s*["']?1`)

// vrtLimit bounds what is read of a VRT; no real one is as large.
const vrtLimit = 256 << 20

// VRTText returns the text of a VRT, whatever the file is called, and nil of every
// other file.
func VRTText(p string) []byte {
	if strings.HasPrefix(p, "/vsi") {
		if !strings.EqualFold(filepath.Ext(p), ".vrt") { // the others would have to be fetched
			return nil
		}
		return ingest(p)
	}
	if regular.Check(p) != nil {
		return nil // whoever reads it says so
	}
	f, err := os.Open(p)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 1024)
	k, _ := io.ReadFull(f, head)
	low := strings.ToLower(string(head[:k]))
	if !strings.EqualFold(filepath.Ext(p), ".vrt") && !strings.Contains(low, "<vrtdataset") && !strings.Contains(low, "<ogrvrtdatasource") {
		return nil
	}
	rest, _ := io.ReadAll(io.LimitReader(f, vrtLimit))
	return append(head[:k], rest...)
}

// VRTSources returns what the VRT at p names.
func VRTSources(p string, text []byte) []string {
	var out []string
	for _, m := range vrtSource.FindAllSubmatch(text, -1) {
		src := strings.TrimSpace(html.UnescapeString(string(m[3])))
		if relativeToVRT.Match(m[2]) && !filepath.IsAbs(src) {
			dir := filepath.Dir(p)
			if prefix, rest, ok := paths.CutDriver(src); ok { // NETCDF:"a.nc":flux
				for _, part := range paths.Candidates(rest) {
					out = append(out, prefix+`"`+filepath.Join(dir, part)+`"`)
				}
			}
			src = filepath.Join(dir, src)
		}
		out = append(out, src)
	}
	return out
}

// TrustRemote is the word for sources on the network among trusted places.
const TrustRemote = "remote"

// trust is what VRTs may name besides the files in their own folders.
var trust struct {
	sync.Mutex
	places []string
	known  map[string]verdict
}

// verdict is what CheckVRT found of a file in one state.
type verdict struct {
	size    int64
	changed time.Time
	err     error
}

// Trust says in which folders VRTs may name files besides their own, and with
// TrustRemote that they may open the network. It holds for the whole process.
func Trust(places []string) {
	trust.Lock()
	defer trust.Unlock()
	if !slices.Equal(places, trust.places) {
		trust.places, trust.known = slices.Clone(places), nil
	}
}

// CheckVRT refuses a VRT, of any kind, that names files outside of its own folder
// or opens the network: a VRT from a stranger could put any file of this machine
// into a picture, or call home. Other files are none of its business. The error is
// a *fault.Input that says what to do.
func CheckVRT(p string) error {
	trust.Lock()
	defer trust.Unlock()
	var size int64
	var changed time.Time
	if info, err := os.Stat(p); err == nil {
		size, changed = info.Size(), info.ModTime()
	}
	if v, ok := trust.known[p]; ok && v.size == size && v.changed.Equal(changed) {
		return v.err
	}
	err := checkVRT(p, trust.places, map[string]bool{})
	if trust.known == nil {
		trust.known = map[string]verdict{}
	}
	trust.known[p] = verdict{size, changed, err}
	return err
}

// checkVRT looks at p and at the VRTs that it names.
func checkVRT(p string, places []string, seen map[string]bool) error {
	if seen[p] {
		return nil
	}
	seen[p] = true
	text := VRTText(p)
	if text == nil {
		return nil
	}
	own := filepath.Dir(p)
	for _, src := range VRTSources(p, text) {
		for _, name := range filesOf(src) {
			if onNetwork(name) {
				if strings.HasPrefix(name, "/vsi") && within(own, name) || slices.Contains(places, TrustRemote) {
					continue
				}
				return fault.New(p, "names a source on the network: "+shorten(name),
					"If you trust whoever made this VRT: data.trust: [remote]. Else fetch the source and name the file.")
			}
			ok := within(own, name)
			for _, place := range places {
				ok = ok || place != TrustRemote && within(place, name)
			}
			if !ok {
				return fault.New(p, "names a file outside of its own folder: "+shorten(name),
					"Put the VRT beside its sources (gdalbuildvrt run in their folder does); or, if you trust whoever made it, name their folder: data.trust: ["+filepath.Dir(shorten(name))+"].")
			}
			if err := checkVRT(name, places, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// filesOf returns the files and addresses that a source's name stands for: itself,
// the container of a subdataset, the archive of a member.
func filesOf(src string) []string {
	for paths.Over.MatchString(src) {
		over := paths.Over.FindString(src)
		src = src[len(over):]
		if over == "/vsisubfile/" {
			_, src, _ = strings.Cut(src, ",")
		}
		if strings.HasPrefix(src, "{") {
			src, _, _ = strings.Cut(src[1:], "}")
		}
	}
	if strings.HasPrefix(src, "/vsi") {
		return []string{src}
	}
	if driver, rest, ok := paths.CutDriver(src); ok && !strings.HasPrefix(rest, "//") {
		var files []string
		for _, c := range paths.Candidates(rest) {
			if strings.HasPrefix(c, "/vsi") || strings.Contains(c, "://") {
				files = append(files, filesOf(c)...)
			} else if _, err := os.Stat(c); err == nil {
				files = append(files, absolute(c))
			}
		}
		if files == nil { // a service or database, or a file that is not there
			return []string{driver + rest}
		}
		return files
	}
	if strings.HasPrefix(src, "<") || strings.Contains(src, "://") {
		return []string{src}
	}
	return []string{absolute(src)}
}

func absolute(p string) string {
	if abs, err := filepath.Abs(p); err == nil {
		return abs
	}
	return p
}

// onNetwork tells names of what is no file: addresses, services, databases,
// descriptions of services in a file or in the name itself.
func onNetwork(name string) bool {
	if strings.HasPrefix(name, "<") || strings.HasPrefix(name, "/vsi") || paths.Connection.MatchString(name) {
		return !strings.HasPrefix(name, "/vsimem/")
	}
	if regular.Check(name) != nil {
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	k, _ := io.ReadFull(f, head)
	low := strings.ToLower(string(head[:k]))
	return strings.Contains(low, "<gdal_wm") || strings.Contains(low, "<wmts_gdal") || strings.Contains(low, "<wcs_gdal") || strings.Contains(low, "<ogrwfsdatasource")
}

// within tells whether a file, or address, lies in a folder or below it.
func within(dir, name string) bool {
	if strings.HasPrefix(name, "/vsi") != strings.HasPrefix(dir, "/vsi") || strings.Contains(name, "://") && !strings.HasPrefix(name, "/vsi") {
		return false
	}
	rel, err := filepath.Rel(absolute(dir), filepath.Clean(name))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func shorten(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%s...", s[:200])
	}
	return s
}
