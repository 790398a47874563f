package train

import (
	"os"
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
