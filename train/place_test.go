package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// A folder of results is one process's at a time, and free again afterwards with
// nothing left in it.
func TestClaim(t *testing.T) {
	dir := t.TempDir()
	first, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim(dir); !fault.IsInput(err) || !strings.Contains(err.Error(), "another prediction") {
		t.Errorf("claimed twice: %v", err)
	}
	first.Close()
	second, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What belonged to the old file goes; other files stay.
func TestRemoveSidecars(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"p.gpkg-wal", "p.gpkg-shm", "p.gpkg-journal", "p.tif.aux.xml", "p.tif.ovr", "p.tif", "q.tif.ovr"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"p.gpkg", "p.tif"} {
		if err := removeSidecars(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 2 || filepath.Base(left[0]) != "p.tif" || filepath.Base(left[1]) != "q.tif.ovr" {
		t.Errorf("left: %v", left)
	}
}
