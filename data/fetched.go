package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/remote"
	"opencarbon/data/scratch"
)

// stageFetch is heard of by Progress while inputs come from a server, in thousandths.
const stageFetch = "fetching "

// inPlace is the size in bytes from which a raster is read where it lies, by ranges:
// a region needs a small part of it. Smaller ones come whole and are kept.
var inPlace int64 = 64 << 20

// fetched holds where the inputs of a configuration lie on this machine.
type fetched struct {
	*Config                           // with paths of this machine
	names   map[string]string         // such a path or name, or its folder, to the address
	placed  map[string]remote.Version // what is read where it lies, by GDAL's name
}

// fetch brings the inputs that lie on servers here and returns the configuration
// that reads them. What is here already is not fetched again. The configuration
// itself keeps the addresses: the store's hash is made of them.
func (c *Config) fetch(ctx context.Context, o Options) (*fetched, error) {
	local := *c
	f := &fetched{Config: &local, names: map[string]string{}, placed: map[string]remote.Version{}}
	var cache *remote.Cache
	type input struct {
		key    string
		path   *string
		raster bool
	}
	all := []input{
		{"data.region.file", &local.Region.File, false}, {"data.imagery.path", &local.Imagery.Path, true}, {"data.imagery.sources", &local.Imagery.Sources, false}, {"data.emissions.path", &local.Emissions.Path, true},
		{"data.poi.path", &local.POI.Path, false}, {"data.poi.categories", &local.POI.Categories, false}, {"data.split.file", &local.Split.File, false},
	}
	local.Rasters = slices.Clone(c.Rasters)
	for i := range local.Rasters {
		all = append(all, input{"data.rasters", &local.Rasters[i].Path, true})
	}
	for _, p := range all {
		a, ok := remote.Parse(*p.path)
		tiles := p.path == &local.Imagery.Path && remote.IsServer(*p.path)
		if !ok && !tiles {
			continue
		}
		if cache == nil {
			var err error
			if cache, err = c.openCache(o); err != nil {
				return nil, err
			}
		}
		if tiles { // when the region is known
			continue
		}
		at, err := f.bring(ctx, cache, a, p.raster)
		if err != nil {
			return nil, named(err, p.key)
		}
		*p.path = at
	}
	if remote.IsServer(local.Imagery.Path) {
		if err := f.fetchTiles(ctx, cache); err != nil {
			return nil, named(err, "data.imagery")
		}
	}
	return f, nil
}

// openCache is the cache that the configuration names.
func (c *Config) openCache(o Options) (*remote.Cache, error) {
	dir := c.Cache
	if dir == "" {
		var err error
		if dir, err = remote.Default(); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return &remote.Cache{Dir: dir, Limit: int64(c.CacheGB * 1e9), Client: o.client, Note: o.Note, Progress: func(what string, done, total int64) {
		if total > 0 {
			o.Progress(stageFetch+what, int(done*1000/total), 1000)
		}
	}}, nil
}

// bring returns the name under which the content of an address can be read.
func (f *fetched) bring(ctx context.Context, cache *remote.Cache, a remote.Address, picture bool) (string, error) {
	end := strings.ToLower(filepath.Ext(a.URL))
	if picture && a.Before == "" && a.After == "" && slices.Contains([]string{".tif", ".tiff", ".jp2", ".vrt"}, end) {
		v, err := cache.Look(ctx, a.URL)
		if err == nil && v.Ranges && (v.Size >= inPlace || end == ".vrt") { // a VRT names others relative to itself
			name := a.GDAL()
			f.names[name], f.placed[name] = a.URL, v
			return name, nil
		}
	}
	if a.IsPattern() {
		pattern, err := cache.Files(ctx, a)
		if err == nil {
			f.names[filepath.Dir(pattern)] = a.URL[:strings.LastIndex(a.URL, "/")]
		}
		return pattern, err
	}
	path, err := cache.File(ctx, a.URL)
	if err != nil {
		return "", err
	}
	f.names[filepath.Dir(path)] = a.URL[:strings.LastIndex(a.URL, "/")]
	f.names[path] = a.URL
	if end := strings.ToLower(filepath.Ext(a.After)); !picture && slices.Contains([]string{".csv", ".tsv", ".txt"}, end) {
		return f.unpack(a, path)
	}
	return a.At(path), nil
}

// unpack writes a table out of a fetched archive beside it: tables are read as text,
// which knows no archives with several members.
func (f *fetched) unpack(a remote.Address, path string) (string, error) {
	to := path + ".d/" + strings.NewReplacer("/", "_", "}", "").Replace(strings.Trim(a.After, "}/"))
	f.names[to] = a.URL + a.After
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return "", err
	}
	w, err := scratch.File(to)
	if err != nil {
		return "", err
	}
	defer w.Close()
	name := a.At(path)
	if !strings.HasPrefix(name, "/vsi") {
		name = "/vsizip/" + name
	}
	err = raster.Copy(name, func(b []byte) error { _, err := w.Write(b); return err })
	if err == nil {
		err = os.Rename(w.Name(), to)
	}
	if err != nil {
		os.Remove(w.Name())
		return "", fault.Wrap(err, remote.Shown(a.URL)+a.After, "this member of the archive cannot be unpacked", "Look what the archive holds, and name one of its files.")
	}
	return to, nil
}

// shown is what a person calls a path: the address that it was fetched from.
func (f *fetched) shown(path string) string {
	keys := make([]string, 0, len(f.names))
	for k := range f.names {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return len(b) - len(a) }) // the file before its folder
	for _, k := range keys {
		path = strings.ReplaceAll(path, k, remote.Shown(f.names[k]))
	}
	return path
}

// told makes an error name addresses in place of the cache's paths, and puts the
// failure of a server while a raster is read by ranges in place of a damaged file.
func (f *fetched) told(err error) error {
	var in *fault.Input
	if len(f.names) == 0 || !errors.As(err, &in) {
		return err
	}
	out := *in
	for name := range f.placed {
		if strings.Contains(in.Where, name) && (strings.Contains(in.Remedy, "damaged") || strings.Contains(in.Remedy, "complete") || errors.Is(err, os.ErrNotExist)) {
			out.What = "what the server sends of the file by ranges cannot be read"
			out.Remedy = "Run again later, or fetch the file and name the copy."
		}
	}
	out.Where, out.What, out.Remedy = f.shown(out.Where), f.shown(out.What), f.shown(out.Remedy)
	return &out
}

// identify is the fingerprint of an input under the name that a person knows.
func (f *fetched) identify(key, path string, old map[string]Input) (Input, error) {
	if v, ok := f.placed[path]; ok {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", v.Size, v.Modified.Unix(), v.ETag))
		return Input{Key: key, Path: f.shown(path), Bytes: v.Size, ModTime: v.Modified, SHA256: hex.EncodeToString(sum[:])}, nil
	}
	name := f.shown(path)
	in, err := identify(key, path, old[key+"\x00"+name])
	in.Path = name
	return in, err
}
