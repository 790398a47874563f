package remote

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Above the limit what was used longest ago goes, and nothing of the last day: a
// run may be reading it.
func TestBound(t *testing.T) {
	c := Cache{Dir: t.TempDir(), Limit: 250}
	now := time.Now()
	entry := func(hours int, parts ...string) string {
		home := filepath.Join(append([]string{c.Dir}, parts...)...)
		if err := os.MkdirAll(home, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, "a"), make([]byte, 100), 0o666); err != nil {
			t.Fatal(err)
		}
		used := now.Add(-time.Duration(hours) * time.Hour)
		if err := os.Chtimes(home, used, used); err != nil {
			t.Fatal(err)
		}
		return home
	}
	oldest, older := entry(90, "files", "h", "1"), entry(80, "tiles", "h-2")
	old, fresh, latest := entry(70, "files", "h", "3"), entry(3, "files", "i", "4"), entry(0, "tiles", "i-5")
	c.bound()
	for home, want := range map[string]bool{oldest: false, older: false, old: false, fresh: true, latest: true} {
		if _, err := os.Stat(home); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", home, err == nil, want)
		}
	}
	c.Limit = 50
	c.bound()
	if _, err := os.Stat(fresh); err != nil {
		t.Error("what was used today is gone")
	}
}
