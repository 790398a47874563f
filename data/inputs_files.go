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
)

// expand returns the files behind a path: itself, those of a glob or a folder,
// and what belongs to them. Of a name that only GDAL understands it returns the
// files that it names; a database (PG:...) has none.
func expand(ctx context.Context, key, path string) ([]string, error) {
	if strings.HasPrefix(path, "/vsi") || paths.Connection.MatchString(path) && !isFile(path) {
		return withParts(ctx, []string{path})
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
	if root, ok := paths.TileRoot(path); ok { // dir/{z}/{x}/{y}.png
		path = root
	}
	info, err := os.Stat(path)
	if paths.IsPattern(path) {
		found, globErr := paths.Match(path)
		if globErr != nil {
			return nil, fault.Wrap(globErr, key, path+" is not a pattern", "Write a path, or a pattern with * and ?.")
		}
		if len(found) == 0 {
			return nil, fault.New(key, "no file fits the pattern "+path, "Check the folder and the pattern; relative paths count from the folder of the experiment file.")
		}
		return withParts(ctx, found)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing("no such file", nil)
	case err != nil:
		return nil, missing("cannot be read", err)
	case irregular(key, path) != nil:
		return nil, irregular(key, path)
	case !info.IsDir():
		f, err := os.Open(path)
		if err != nil {
			return nil, missing("cannot be read", err)
		}
		f.Close()
		return withParts(ctx, []string{path})
	}
	var files []string
	// The slash has a link to a folder followed; links inside are followed to files.
	err = filepath.WalkDir(path+"/", func(p string, e fs.DirEntry, err error) error {
		if err == nil && (e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0 && isFile(p)) {
			files = append(files, filepath.Clean(p))
		}
		return errors.Join(err, ctx.Err())
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, missing("the folder cannot be read", err)
	}
	if len(files) == 0 {
		return nil, missing("the folder is empty", nil)
	}
	for _, f := range slices.Clone(files) { // a mosaic in the folder, of files elsewhere
		if strings.EqualFold(filepath.Ext(f), ".vrt") {
			more, err := withParts(ctx, []string{f})
			if err != nil {
				return nil, err
			}
			files = append(files, more...)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}
