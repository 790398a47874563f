package raster

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
)

// driverPrefix recognizes names that GDAL reads itself: NETCDF:"file":variable,
// and so on. Two letters at least, so that a Windows drive is none.
var driverPrefix = regexp.MustCompile(`^[A-Z][A-Z0-9_]+:`)

// archiveMembers are the endings looked for inside an archive.
var archiveMembers = []string{".tif", ".tiff", ".vrt", ".jp2", ".img", ".nc", ".nc4", ".asc", ".png", ".jpg",
	".shp", ".gpkg", ".geojson", ".json", ".pbf", ".osm", ".csv", ".gml", ".kml"}

// resolve is locate, and refuses a VRT that is not to be trusted.
func resolve(path string) (string, error) {
	name, err := locate(path)
	if err == nil {
		err = CheckVRT(name)
	}
	return name, err
}

// locate turns a user's path into the name GDAL wants (/vsizip/ and /vsigzip/
// for archives) and refuses early what cannot be read.
func locate(path string) (string, error) {
	if path == "" {
		return "", fault.New("path", "the path is empty", "give the name of a file")
	}
	if strings.ContainsRune(path, 0) {
		return "", fault.New(quoted(path), "a path cannot hold a NUL byte", "correct the path")
	}
	if strings.HasPrefix(path, "/vsi") {
		return path, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		if archive, inner, ok := insideZip(path); ok {
			return "/vsizip/" + archive + "/" + inner, nil
		}
		if driverPrefix.MatchString(path) {
			return path, nil
		}
		return "", readFault(path, err)
	}
	if info.IsDir() {
		if strings.HasSuffix(strings.ToLower(path), ".gdb") || strings.HasSuffix(strings.ToLower(path), ".zarr") {
			return path, nil
		}
		return "", fault.New(path, "this is a folder, a file is wanted", "name one file in it, or a pattern such as "+filepath.Join(path, "*.tif"))
	}
	f, err := regular.Open(path)
	var irregular *regular.Error
	if errors.As(err, &irregular) {
		return "", fault.New(path, err.Error(), regular.Remedy)
	} else if err != nil {
		return "", readFault(path, err)
	}
	f.Close()
	switch lower := strings.ToLower(path); {
	case strings.HasSuffix(lower, ".zip"):
		return zipMember(path)
	case strings.HasSuffix(lower, ".tar.gz"), strings.HasSuffix(lower, ".tgz"), strings.HasSuffix(lower, ".tar"):
		return "/vsitar/" + path, nil
	case strings.HasSuffix(lower, ".gz"):
		return "/vsigzip/" + path, nil
	}
	return path, nil
}

// readFault says why a file cannot be read.
func readFault(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		where := path
		if abs, e := filepath.Abs(path); e == nil && abs != path {
			where = fmt.Sprintf("%s (%s)", path, abs)
		}
		return fault.Wrap(fs.ErrNotExist, where, "no such file", "check the path; relative paths start at the working directory")
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fs.ErrPermission, path, "the file or its folder may not be read", "change its permissions (chmod u+r file, chmod u+rx folder)")
	}
	return fault.Wrap(err, path, "cannot be read", "check the path and the disk")
}

// insideZip splits "a.zip/b.tif" where a.zip is a file.
func insideZip(path string) (archive, inner string, ok bool) {
	at := strings.Index(strings.ToLower(path), ".zip/")
	if at < 0 {
		return "", "", false
	}
	archive, inner = path[:at+4], path[at+5:]
	info, err := os.Stat(archive)
	return archive, inner, err == nil && !info.IsDir() && inner != ""
}

// zipMember finds the one member of a zip archive that holds geodata.
func zipMember(path string) (string, error) {
	r, err := zip.OpenReader(path)
	if err != nil {
		return "", fault.Wrap(err, path, "not a readable zip archive", "fetch it again; it may be cut short")
	}
	defer r.Close()
	var found []string
	for _, f := range r.File {
		base := filepath.Base(f.Name)
		if strings.HasPrefix(base, ".") || strings.HasPrefix(f.Name, "__MACOSX/") {
			continue
		}
		if slices.Contains(archiveMembers, strings.ToLower(filepath.Ext(base))) {
			found = append(found, f.Name)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 0:
		return "", fault.New(path, "the archive holds no raster or vector file", "unpack it and name the file")
	case 1:
		return "/vsizip/" + path + "/" + found[0], nil
	}
	list := strings.Join(found[:min(len(found), 8)], ", ")
	return "", fault.New(path, fmt.Sprintf("the archive holds %d files that could be meant: %s", len(found), list),
		"name one, as in "+path+"/"+found[0])
}
