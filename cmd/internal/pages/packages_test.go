package pages

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Packages that others would import open with what they are for and a few lines of
// use. Each of those lines stands in a runnable example of the package, so that it
// compiles and does what it says.
func TestPackagesOpenWithAUse(t *testing.T) {
	for _, dir := range []string{"torch", "data/store", "train/learn", "train/tabular"} {
		example, err := os.ReadFile(filepath.Join(top, dir, "example_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		runs := map[string]bool{}
		for line := range strings.Lines(string(example)) {
			runs[strings.TrimSpace(line)] = true
		}
		n := 0
		for line := range strings.Lines(opening(t, dir)) {
			if !strings.HasPrefix(line, "\t") {
				continue
			}
			if n++; !runs[strings.TrimSpace(line)] {
				t.Errorf("go doc ./%s shows a line that its examples do not run:%s", dir, line)
			}
		}
		if n < 4 || n > 10 {
			t.Errorf("go doc ./%s shows a use of %d lines, want some five", dir, n)
		}
	}
}

// Every package says what it is for.
func TestPackagesAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	if err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != top && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "build") {
			return filepath.SkipDir
		}
		dir := filepath.Dir(path)
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || seen[dir] {
			return nil
		}
		seen[dir] = true
		if name, err := filepath.Rel(top, dir); err != nil || len(opening(t, name)) < 60 {
			t.Errorf("go doc ./%s says next to nothing (%v)", name, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(seen) < 40 {
		t.Errorf("only %d packages were looked at", len(seen))
	}
}

// opening is a package's comment.
func opening(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(top, dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(f.Doc.Text())
	}
	return text.String()
}
