package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"opencarbon/data/fault"
)

// buildVersion changes when the same inputs come to give another store: new
// rules here, or other category tables that come with the program.
const buildVersion = 1

// Input is a file that a store is built from.
type Input struct {
	Key     string    `json:"key"` // data.poi.path
	Path    string    `json:"path"`
	Bytes   int64     `json:"bytes"`
	ModTime time.Time `json:"mod_time"`
	SHA256  string    `json:"sha256"` // of the content; of 256 blocks spread over it where it is larger than wholeFile
}

const (
	wholeFile = 256 << 20 // bytes up to which a file is hashed from end to end
	hashBlock = 64 << 10
	hashCount = 256
)

// keyPath is a path of the configuration and its key.
type keyPath struct{ key, path string }

// inputs lists every file that the configuration names, with what belongs to
// it (a shapefile's other parts, world files, the sources of a VRT), sorted by
// key and path. A missing or unreadable one is a *fault.Input that names the key.
// A file whose size and time are those of known is not read again.
func (c *Config) inputs(ctx context.Context, known []Input) ([]Input, error) {
	old := map[string]Input{}
	for _, in := range known {
		old[in.Key+"\x00"+in.Path] = in
	}
	var all []Input
	paths := []keyPath{
		{"data.region.file", c.Region.File}, {"data.imagery.path", c.Imagery.Path}, {"data.emissions.path", c.Emissions.Path},
		{"data.poi.path", c.POI.Path}, {"data.poi.categories", c.POI.Categories}, {"data.split.file", c.Split.File},
	}
	if c.Published.Dir != "" {
		var err error
		if paths, err = c.Published.paths(); err != nil {
			return nil, err
		}
	}
	for _, p := range paths {
		if p.path == "" {
			continue
		}
		files, err := expand(p.key, p.path)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			in, err := identify(p.key, f, old[p.key+"\x00"+f])
			if err != nil {
				return nil, err
			}
			all = append(all, in)
		}
	}
	return all, nil
}

// expand returns the files behind a path: itself, those of a glob or a folder,
// and what belongs to them. A name that only GDAL understands gives none.
func expand(key, path string) ([]string, error) {
	if strings.HasPrefix(path, "/vsi") || connection.MatchString(path) {
		return nil, nil
	}
	missing := func(what string, err error) error {
		remedy := "Check the path; relative paths count from the folder of the experiment file."
		if errors.Is(err, fs.ErrPermission) {
			remedy = "Allow reading it (chmod u+r on the file, u+rx on its folders)."
		}
		return fault.Wrap(err, key, path+": "+what, remedy)
	}
	if at := strings.Index(strings.ToLower(path), ".zip/"); at >= 0 {
		path = path[:at+4]
	}
	if at := strings.IndexByte(path, '{'); at >= 0 { // dir/{z}/{x}/{y}.png
		path = filepath.Dir(path[:at+1])
	}
	info, err := os.Stat(path)
	if err != nil && strings.ContainsAny(path, "*?[") {
		found, globErr := filepath.Glob(path)
		if globErr != nil {
			return nil, fault.Wrap(globErr, key, path+" is not a pattern", "Write a path, or a pattern with * and ?.")
		}
		if len(found) == 0 {
			return nil, fault.New(key, "no file fits the pattern "+path, "Check the folder and the pattern; relative paths count from the folder of the experiment file.")
		}
		return withParts(found), nil
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing("no such file", nil)
	case err != nil:
		return nil, missing("cannot be read", err)
	case !info.IsDir():
		f, err := os.Open(path)
		if err != nil {
			return nil, missing("cannot be read", err)
		}
		f.Close()
		return withParts([]string{path}), nil
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return nil, missing("the folder cannot be read", err)
	}
	if len(files) == 0 {
		return nil, missing("the folder is empty", nil)
	}
	return files, nil
}

// parts are the endings of files that lie beside a file and say more about it.
var parts = []string{".prj", ".shx", ".dbf", ".cpg", ".tfw", ".tifw", ".pgw", ".jgw", ".j2w", ".wld", ".ovr", ".msk", ".aux.xml"}

var vrtSource = regexp.MustCompile(`(?s)<SourceFilename([^>]*)>([^<]+)</SourceFilename>`)

// withParts adds to files what belongs to them, each once, sorted.
func withParts(files []string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(p string) bool {
		if seen[p] {
			return false
		}
		seen[p] = true
		if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
			return false
		}
		out = append(out, p)
		return true
	}
	queue := slices.Clone(files)
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if !add(p) {
			continue
		}
		stem := strings.TrimSuffix(p, filepath.Ext(p))
		for _, end := range parts {
			add(stem + end)
			add(p + end)
		}
		if strings.EqualFold(filepath.Ext(p), ".vrt") {
			text, err := os.ReadFile(p)
			if err != nil {
				continue // GDAL will say what is wrong with it
			}
			for _, m := range vrtSource.FindAllStringSubmatch(string(text), -1) {
				src := strings.TrimSpace(m[2])
				if strings.Contains(m[1], `relativeToVRT="1"`) {
					src = filepath.Join(filepath.Dir(p), src)
				}
				queue = append(queue, src)
			}
		}
	}
	slices.Sort(out)
	return out
}

// identify fingerprints a file.
func identify(key, path string, known Input) (Input, error) {
	unreadable := func(err error) error {
		return fault.Wrap(err, key, path+": cannot be read", "Allow reading it (chmod u+r on the file, u+rx on its folders).")
	}
	f, err := os.Open(path)
	if err != nil {
		return Input{}, unreadable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Input{}, unreadable(err)
	}
	in := Input{Key: key, Path: path, Bytes: info.Size(), ModTime: info.ModTime().UTC(), SHA256: known.SHA256}
	if known.SHA256 != "" && known.Bytes == in.Bytes && known.ModTime.Equal(in.ModTime) {
		return in, nil
	}
	sum := sha256.New()
	if in.Bytes <= wholeFile {
		if _, err := io.Copy(sum, f); err != nil {
			return Input{}, unreadable(err)
		}
	} else {
		buf := make([]byte, hashBlock)
		for i := range int64(hashCount) {
			if _, err := f.ReadAt(buf, (in.Bytes-hashBlock)*i/(hashCount-1)); err != nil {
				return Input{}, unreadable(err)
			}
			sum.Write(buf)
		}
		// A change between the blocks is seen by the time alone.
		fmt.Fprint(sum, in.ModTime.UnixNano())
	}
	in.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return in, nil
}

// hash identifies what a store is built from: the section, less what does not
// change the result, and the content of the inputs.
func (c *Config) hash(inputs []Input) (string, error) {
	key, nodata := c.plain()
	key.Store, key.Workers = "", 0
	type file struct {
		Key, Path, SHA256 string
		Bytes             int64
	}
	all := struct {
		Version int
		Config  Config
		Nodata  string
		Files   []file
	}{Version: buildVersion, Config: key, Nodata: nodata}
	for _, in := range inputs {
		all.Files = append(all.Files, file{in.Key, in.Path, in.SHA256, in.Bytes})
	}
	b, err := json.Marshal(all)
	if err != nil {
		return "", fault.Wrap(err, "data", "holds a number that cannot be kept", "Write ordinary numbers (no .nan, no .inf) outside of nodata.")
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// plain is a copy of the section that JSON can hold: nodata values, which may be
// NaN, stand apart as text.
func (c *Config) plain() (Config, string) {
	key := *c
	text := ""
	for _, v := range []**float64{&key.Imagery.Nodata, &key.Emissions.Nodata} {
		text += "|"
		if *v != nil {
			text += fmt.Sprint(**v)
			*v = nil
		}
	}
	return key, text
}
