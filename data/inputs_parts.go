package data

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/paths"
	"opencarbon/data/raster"
	"opencarbon/data/regular"
)

// parts are the endings of files that lie beside a file and say more about it,
// in place of its own ending or after it. GDAL finds them in any letter case.
var parts = []string{".prj", ".shx", ".dbf", ".cpg", ".qpj", ".csvt", ".gfs", ".xsd", ".hdr", ".tfw", ".tifw", ".pgw", ".jgw", ".j2w", ".wld",
	".ovr", ".msk", ".aux", ".aux.xml", ".rrd", ".ige"}

// journals are what SQLite keeps beside a database: rows that the file itself
// does not hold yet. Empty ones come and go with each reader.
var journals = []string{"-wal", "-journal"}

// alone are formats whose files GDAL need not be asked about: what belongs to
// them is among parts, and some it would read from end to end merely to open.
var alone = []string{".csv", ".tsv", ".txt", ".json", ".geojson", ".geojsonl", ".yaml", ".yml", ".npy", ".npz", ".pbf", ".osm", ".gpkg", ".sqlite",
	".parquet", ".png", ".jpg", ".jpeg", ".zip", ".gz", ".tgz", ".tar", ".kml", ".gml", ".xml"}

// withParts adds to files what belongs to them, each once, sorted: what GDAL lists
// for them, the sources of VRTs down to the last, sidecars. Names that are no files
// are replaced by the files they name; remote ones stay.
func withParts(ctx context.Context, files []string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	beside := neighbors{}
	queue := slices.Clone(files)
	for len(queue) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := queue[0]
		queue = queue[1:]
		if seen[p] {
			continue
		}
		seen[p] = true
		if distant(p) {
			out = append(out, p)
			continue
		}
		if err := irregular("", p); err != nil { // before GDAL or a fingerprint opens it
			return nil, err
		}
		if !isFile(p) {
			queue = append(queue, filesNamed(p)...)
			continue
		}
		out = append(out, p)
		for _, q := range beside.of(p) {
			if !seen[q] {
				seen[q] = true
				out = append(out, q)
			}
		}
		if text := raster.VRTText(p); text != nil {
			if err := raster.CheckVRT(p); err != nil { // before anything that it names is looked at
				return nil, err
			}
			queue = append(queue, raster.VRTSources(p, text)...)
		}
		if !slices.Contains(alone, strings.ToLower(filepath.Ext(p))) {
			queue = append(queue, raster.FileList(p)...)
		}
	}
	slices.Sort(out)
	return out, nil
}

// isFile reports whether p, or what the link p leads to, is a file on the disk.
func isFile(p string) bool { return regular.Check(p) == nil }

// irregular is the user's error of a path that leads to a pipe, a device or the
// like; nil of files, of folders, and of what is not there.
func irregular(where, p string) error {
	var e *regular.Error
	if info, err := os.Stat(p); err != nil || info.IsDir() || !errors.As(regular.Check(p), &e) {
		return nil
	}
	return fault.New(where, p+": "+e.Error(), regular.Remedy)
}

// neighbors holds the names of the folders looked at, by their lower case, so that
// a pattern of 10,000 files does not list its folder 10,000 times.
type neighbors map[string]map[string][]string

// of returns what lies beside the file p and belongs to it.
func (n neighbors) of(p string) []string {
	dir, base := filepath.Split(p)
	names, ok := n[dir]
	if !ok {
		names = map[string][]string{}
		list, _ := os.ReadDir(filepath.Clean(dir + "."))
		for _, e := range list {
			low := strings.ToLower(e.Name())
			names[low] = append(names[low], e.Name())
		}
		n[dir] = names
	}
	base = strings.ToLower(base)
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	var out []string
	add := func(name string, empty bool) {
		for _, real := range names[name] {
			info, err := os.Stat(dir + real)
			if err == nil && info.Mode().IsRegular() && (empty || info.Size() > 0) {
				out = append(out, dir+real)
			}
		}
	}
	for _, end := range parts {
		add(stem+end, true)
		add(base+end, true)
	}
	for _, end := range journals {
		add(base+end, false)
	}
	return out
}

// distant reports whether p is a name of GDAL's that lies on no disk of this machine.
func distant(p string) bool {
	return strings.HasPrefix(p, "/vsi") && !paths.Over.MatchString(p) && !strings.HasPrefix(p, "/vsimem/") && !strings.HasPrefix(p, "/vsistdin")
}

// filesNamed returns the files, and remote objects, that a name which is no file
// itself refers to: the container of a subdataset, the archive of a member, the
// files of a folder that is one data set.
func filesNamed(name string) []string {
	if _, rest, ok := paths.CutDriver(name); ok {
		var out []string
		for _, c := range paths.Candidates(rest) {
			if c != name && (isFile(c) || distant(c) || paths.Over.MatchString(c) || folderDataset(c)) {
				out = append(out, c)
			}
		}
		return out
	}
	if folderDataset(name) {
		var out []string
		_ = filepath.WalkDir(name+"/", func(p string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				out = append(out, filepath.Clean(p))
			}
			return nil // the reader of the data set says what cannot be read
		})
		return out
	}
	prefix := paths.Over.FindString(name)
	if prefix == "" {
		if at := strings.Index(strings.ToLower(name), ".zip/"); at >= 0 && isFile(name[:at+4]) {
			return []string{name[:at+4]}
		}
		return nil
	}
	rest := name[len(prefix):]
	if prefix == "/vsisubfile/" { // OFFSET_SIZE,FILE
		_, rest, _ = strings.Cut(rest, ",")
	}
	if strings.HasPrefix(rest, "{") { // {ARCHIVE}/MEMBER
		rest, _, _ = strings.Cut(rest[1:], "}")
	}
	if strings.HasPrefix(rest, "/vsi") {
		if distant(rest) {
			if at := strings.Index(strings.ToLower(rest), ".zip/"); at >= 0 {
				rest = rest[:at+4]
			}
		}
		return []string{rest}
	}
	// The archive is the first part of the path that is a file.
	for at := 1; at <= len(rest); at++ {
		if (at == len(rest) || rest[at] == '/') && isFile(rest[:at]) {
			return []string{rest[:at]}
		}
	}
	return nil
}

// folderDataset reports whether p is a folder that GDAL reads as one data set.
func folderDataset(p string) bool {
	end := strings.ToLower(filepath.Ext(p))
	info, err := os.Stat(p)
	return err == nil && info.IsDir() && (end == ".gdb" || end == ".zarr")
}
