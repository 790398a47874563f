// Package paths says what the names in an experiment file stand for: a path, a
// pattern of paths, a pattern of map tiles, a file inside an archive, a part of a
// container that GDAL alone understands. What is meant is found by what is there:
// a folder may be called "data [2018]" or "{old}".
package paths

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Connection matches the beginning of names that are no paths: NETCDF:..., PG:...,
// https://... A Windows drive has one letter.
var Connection = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+.-]+:`)

// Over are the file systems of GDAL that look into a file of another one.
var Over = regexp.MustCompile(`^/vsi(zip|tar|gzip|7z|rar|sozip|cached|crypt|subfile)/`)

// containers are the drivers whose names hold a file, whether it is there or not.
var containers = []string{"NETCDF:", "HDF5:", "HDF5IMAGE:", "HDF4_SDS:", "HDF4_EOS:", "BAG:", "GTIFF_DIR:", "GPKG:", "ZARR:", "SENTINEL2_L1C:", "SENTINEL2_L2A:", "S102:", "GRIB:"}

// CutDriver splits NETCDF:"a.nc":flux after the driver's name.
func CutDriver(name string) (driver, rest string, ok bool) {
	at := Connection.FindString(name)
	return at, name[len(at):], at != ""
}

// Candidates returns the pieces of a name behind its driver that may be a file:
// what stands in quotes, or else every run of what colons part, the longer first,
// since each driver has its own order (NETCDF:a.nc:flux, GTIFF_DIR:2:a.tif).
func Candidates(rest string) []string {
	if quoted := strings.Split(rest, `"`); len(quoted) > 2 {
		return []string{quoted[1]}
	}
	pieces := strings.Split(rest, ":")
	if len(pieces) > 16 { // no subdataset; all runs of it would be many
		return nil
	}
	var out []string
	for n := len(pieces); n > 0; n-- {
		for i := 0; i+n <= len(pieces); i++ {
			if one := strings.Join(pieces[i:i+n], ":"); one != "" {
				out = append(out, one)
			}
		}
	}
	return out
}

// Resolve makes a name count from the folder base: of a path the whole, of a name
// that only GDAL understands the file inside it. Absolute paths, addresses and
// databases stay as they are.
func Resolve(base, name string) string {
	if name == "" {
		return ""
	}
	if Over.MatchString(name) {
		return resolveArchive(base, name)
	}
	if strings.HasPrefix(name, "/vsi") || filepath.IsAbs(name) {
		return name
	}
	whole := filepath.Join(base, name)
	driver, rest, ok := CutDriver(name)
	if !ok || exists(whole) {
		return whole
	}
	list := Candidates(rest)
	at := slices.IndexFunc(list, func(c string) bool {
		return !filepath.IsAbs(c) && (exists(filepath.Join(base, c)) || Over.MatchString(c))
	})
	if at < 0 && slices.Contains(containers, strings.ToUpper(driver)) {
		// Nothing is there; the message shall name where it was looked for.
		at = slices.IndexFunc(list, func(c string) bool { return filepath.Ext(c) != "" && !strings.Contains(c, ":") })
	}
	if at < 0 || filepath.IsAbs(list[at]) && !Over.MatchString(list[at]) {
		return name
	}
	return driver + strings.Replace(rest, list[at], Resolve(base, list[at]), 1)
}

// resolveArchive resolves /vsizip/a.zip/b.tif, /vsizip/{a.zip}/b.tif,
// /vsitar//vsigzip/a.tgz and /vsisubfile/0_10,a.bin.
func resolveArchive(base, name string) string {
	prefix := Over.FindString(name)
	rest := name[len(prefix):]
	switch {
	case prefix == "/vsicached/", prefix == "/vsicrypt/": // options, not a path
		return name
	case prefix == "/vsisubfile/":
		offset, file, ok := strings.Cut(rest, ",")
		if !ok {
			return name
		}
		return prefix + offset + "," + Resolve(base, file)
	case strings.HasPrefix(rest, "{"):
		file, member, ok := strings.Cut(rest[1:], "}")
		if !ok {
			return name
		}
		return prefix + "{" + Resolve(base, file) + "}" + member
	}
	return prefix + Resolve(base, rest)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TileRoot returns the folder before the first placeholder of a pattern of map
// tiles, dir/{z}/{x}/{y}.png; ok is false where the name is none. Other braces
// are part of a name.
func TileRoot(name string) (root string, ok bool) {
	at := len(name)
	for _, p := range []string{"{z}", "{x}", "{y}", "{-y}"} {
		if i := strings.Index(name, p); i >= 0 {
			at = min(at, i)
		}
	}
	if at == len(name) {
		return "", false
	}
	return filepath.Dir(name[:at] + "x"), true
}
