package paths

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// IsPattern reports whether a name is a pattern: it has a character of patterns,
// and nothing is called so.
func IsPattern(name string) bool { return hasMeta(name) && !exists(name) }

func hasMeta(s string) bool { return strings.ContainsAny(s, `*?[`) }

// Match returns the files that fit a pattern (path/filepath.Match), sorted; none
// is no error. Each part of the path that is there as it is written means itself:
// the folder "data [2018]" is no pattern. The error is that of a malformed
// pattern, filepath.ErrBadPattern, or of a folder that cannot be read.
func Match(pattern string) ([]string, error) {
	dir, rest := split(filepath.Clean(pattern))
	found := []string{dir}
	var unread error
	for _, part := range rest {
		var next []string
		for _, dir := range found {
			literal := filepath.Join(dir, part)
			if exists(literal) {
				next = append(next, literal)
				continue
			}
			if !hasMeta(part) {
				continue
			}
			if _, err := filepath.Match(part, ""); err != nil {
				return nil, err
			}
			entries, err := os.ReadDir(dir)
			if err != nil && unread == nil && !errors.Is(err, fs.ErrNotExist) && isFolder(dir) {
				unread = err
			}
			for _, e := range entries {
				if ok, _ := filepath.Match(part, e.Name()); ok {
					next = append(next, filepath.Join(dir, e.Name()))
				}
			}
		}
		found = next
	}
	slices.Sort(found)
	if len(found) == 0 {
		return nil, unread
	}
	return found, nil
}

// split parts a path into where it starts and its parts.
func split(path string) (dir string, parts []string) {
	volume := filepath.VolumeName(path)
	rest := path[len(volume):]
	dir = "."
	if volume != "" {
		dir = volume
	}
	if strings.HasPrefix(rest, string(filepath.Separator)) {
		dir = volume + string(filepath.Separator)
	}
	return dir, strings.FieldsFunc(rest, func(r rune) bool { return r == filepath.Separator })
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
