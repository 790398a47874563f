package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// buildVersion changes when the same inputs come to give another store: new
// rules here, or other category tables that come with the program.
const buildVersion = 2

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
// it (a shapefile's other parts, world files, the sources of a VRT, the container
// of a subdataset), sorted by key and path. A missing or unreadable one is a *fault.Input that names the key.
// A file whose size and time are those of known is not read again.
func (c *fetched) inputs(ctx context.Context, known []Input) ([]Input, error) {
	raster.Trust(c.Trust)
	old := map[string]Input{}
	for _, in := range known {
		old[in.Key+"\x00"+in.Path] = in
	}
	var all []Input
	paths := []keyPath{
		{"data.region.file", c.Region.File}, {"data.imagery.path", c.Imagery.Path}, {"data.imagery.sources", c.Imagery.Sources}, {"data.emissions.path", c.Emissions.Path},
		{"data.poi.path", c.POI.Path}, {"data.poi.categories", c.POI.Categories}, {"data.split.file", c.Split.File},
	}
	for i, r := range c.Rasters {
		if !slices.ContainsFunc(c.Rasters[:i], func(o Raster) bool { return o.Path == r.Path }) { // several bands of one file
			paths = append(paths, keyPath{"data.rasters", r.Path})
		}
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
		files, err := expand(ctx, p.key, p.path)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			in, err := c.identify(p.key, f, old)
			if err != nil {
				return nil, err
			}
			all = append(all, in)
		}
	}
	return all, nil
}

// identify fingerprints a file.
func identify(key, path string, known Input) (Input, error) {
	if strings.HasPrefix(path, "/vsi") {
		return identifyRemote(key, path), nil
	}
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

// identifyRemote fingerprints what is not on this machine by what its server says:
// reading it all only to learn that nothing changed would cost a download. One
// that cannot be reached has no fingerprint; the reader of it says why.
func identifyRemote(key, path string) Input {
	size, changed, ok := raster.Stat(path)
	if !ok {
		return Input{Key: key, Path: path}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", size, changed.Unix()))
	return Input{Key: key, Path: path, Bytes: size, ModTime: changed, SHA256: hex.EncodeToString(sum[:])}
}

// hash identifies what a store is built from: the section, less what does not
// change the result, and the content of the inputs.
func (c *Config) hash(inputs []Input, o Options) (string, error) {
	key, nodata := c.content()
	type file struct {
		Key, Path, SHA256 string
		Bytes             int64
	}
	all := struct {
		Version int
		Config  Config
		Nodata  string
		Files   []file
		Table   string `json:",omitempty"` // absent where there is none: the hash of a store without it stays
		Outline bool   `json:",omitempty"` // so is this
	}{Version: buildVersion, Config: key, Nodata: nodata, Table: o.tableFor(c), Outline: o.outline}
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

// content is plain less what does not change a store.
func (c *Config) content() (Config, string) {
	key, nodata := c.plain()
	key.Store, key.Workers, key.Trust, key.Cache, key.CacheGB = "", 0, nil, "", 0
	key.Imagery.Connections, key.Imagery.Delay = 0, 0
	return key, nodata
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
