package emissions

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/paths"
)

// expand turns the path or pattern into files, in order.
func expand(pattern string) ([]string, error) {
	if !paths.IsPattern(pattern) || paths.Connection.MatchString(pattern) || strings.HasPrefix(pattern, "/vsi") {
		return []string{pattern}, nil
	}
	files, err := paths.Match(pattern)
	switch {
	case errors.Is(err, filepath.ErrBadPattern):
		return nil, fault.Wrap(err, "data.emissions.path", fmt.Sprintf("the pattern %q is malformed", pattern), "use * and ? only, or close the bracket")
	case err != nil:
		return nil, fault.Wrap(err, pattern, "a folder cannot be read", "check the path and its permissions (chmod u+rx)")
	}
	if len(files) == 0 {
		// A plain look at the folder tells a pattern without matches from a
		// folder that is not there.
		if dir := filepath.Dir(pattern); !paths.IsPattern(dir) {
			if _, err := os.ReadDir(dir); err != nil {
				return nil, fault.Wrap(err, pattern, "the folder cannot be read", "check the path and its permissions (chmod u+rx)")
			}
		}
		return nil, fault.New(pattern, "no file matches the pattern", "check the path; relative paths start at the folder of the experiment file")
	}
	return files, nil
}
