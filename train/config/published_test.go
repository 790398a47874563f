package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublishedInPlaceOfRawData: with data.published.dir the raw files of a
// preset are not asked for, and the folder is found from any other.
func TestPublishedInPlaceOfRawData(t *testing.T) {
	for _, city := range []string{"london", "beijing", "yinchuan"} {
		dir := t.TempDir()
		c, err := Load(city, []string{"data.published.dir=" + dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckFiles(c); err != nil {
			t.Errorf("%s asks for raw data: %v", city, err)
		}
		c, err = Load(city, []string{"data.published.dir=" + filepath.Join(dir, "absent")})
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckFiles(c); err == nil || !strings.Contains(err.Error(), "data.published.dir") || strings.Contains(err.Error(), "data.poi") {
			t.Errorf("%s: %v", city, err)
		}
	}
	path := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(path, []byte("data: {published: some where}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path, nil); err != nil || c.Data.Published.Dir != filepath.Join(filepath.Dir(path), "some where") {
		t.Errorf("data.published: DIR gives %v, %v", c, err)
	}
	if c, err := Load("london", []string{"data.published=a: b"}); err != nil || filepath.Base(c.Data.Published.Dir) != "a: b" {
		t.Errorf("--set data.published=DIR gives %v, %v", c, err)
	}
	if c, err := Load("london", []string{"data.published.dir=somewhere"}); err != nil || !filepath.IsAbs(c.Data.Published.Dir) {
		t.Errorf("a relative folder stays relative: %v, %v", c, err)
	}
}
