package plots

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be drawn or saved is an error that names the picture, never a
// panic, and leaves no older picture behind.
func TestAttempt(t *testing.T) {
	good := func() (*Figure, error) {
		return Ranking(RankingData{Title: "t", X: "x", Names: []string{"a"}, Values: []float64{1}})
	}
	path := filepath.Join(t.TempDir(), "maps.png")
	if err := Attempt(path, good); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]func() (*Figure, error){
		"error": func() (*Figure, error) { return nil, errors.New("too wide") },
		"panic": func() (*Figure, error) { panic("too wide") },
	} {
		if err := os.WriteFile(path, []byte("older"), 0o644); err != nil {
			t.Fatal(err)
		}
		err := Attempt(path, bad)
		if err == nil || !strings.Contains(err.Error(), "maps.png is left out") || !strings.Contains(err.Error(), "too wide") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s: the older picture is still there: %v", name, err)
		}
	}
	if err := Attempt(filepath.Join(t.TempDir(), "none", "maps.png"), good); err == nil || !strings.Contains(err.Error(), "maps.png is left out") {
		t.Errorf("folder that is not there: %v", err)
	}
}
