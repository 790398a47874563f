package emissions

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
)

// expand turns the path or pattern into files, in order.
func expand(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	if _, err := os.Stat(pattern); err == nil {
		return []string{pattern}, nil
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fault.Wrap(err, "data.emissions.path", fmt.Sprintf("the pattern %q is malformed", pattern), "use * and ? only, or close the bracket")
	}
	// A plain look at the folder tells a pattern without matches from a folder
	// that is not there or may not be read; Glob keeps silent about both.
	if len(files) == 0 {
		dir := filepath.Dir(pattern)
		if !strings.ContainsAny(dir, "*?[") {
			if _, err := os.ReadDir(dir); err != nil {
				return nil, fault.Wrap(err, pattern, "the folder cannot be read", "check the path and its permissions (chmod u+rx)")
			}
		}
		return nil, fault.New(pattern, "no file matches the pattern", "check the path; relative paths start at the working directory")
	}
	slices.Sort(files)
	return files, nil
}
