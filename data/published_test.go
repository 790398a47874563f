package data

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/store"
)

// TestBuildPublished: a published dataset takes the place of all other inputs;
// its store is reused until a file changes, and has a table to print.
func TestBuildPublished(t *testing.T) {
	dir := t.TempDir()
	z, err := zip.OpenReader("published/testdata/published.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.Contains(f.Name, "yinchuan") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := &Config{Store: filepath.Join(dir, "store"), Published: Published{Dir: dir}, Emissions: Emissions{Path: "ignored.tif", Units: "tC"}}
	r, err := Build(context.Background(), c, Options{Name: "yinchuan"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(c.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Len() != 8 || r.Cells.Samples != 7 || len(s.Meta().Inputs) != 11 || s.Meta().Config == nil || r.Split.Train == 0 {
		t.Errorf("%d tiles, report %+v", s.Len(), r)
	}
	again, err := Build(context.Background(), c, Options{Name: "yinchuan"})
	if err != nil || !again.Reused || again.Published == nil {
		t.Fatalf("not reused: %+v, %v", again, err)
	}
	var table bytes.Buffer
	if err := again.Print(&table); err != nil || !strings.Contains(table.String(), "published dataset of yinchuan") {
		t.Errorf("%v\n%s", err, table.String())
	}
	t.Log(table.String())
	jpg, err := filepath.Glob(filepath.Join(dir, "yinchuan_data", "satellite_images_yinchuan", "*", "*.jpg"))
	if err != nil || len(jpg) != 8 || os.Remove(jpg[0]) != nil {
		t.Fatal(jpg, err)
	}
	if r, err = Build(context.Background(), c, Options{Name: "yinchuan"}); err != nil || r.Reused || r.Cells.Stored != 7 || r.Cells.NoImage != 1 {
		t.Errorf("after an image was removed: %+v, %v", r, err)
	}
	for _, bad := range []*Config{{Published: Published{City: "x"}}, {Published: Published{Dir: "x", Target: "log"}}} {
		if err := bad.Normalize("x", ""); err == nil || !strings.Contains(err.Error(), "data.published.") {
			t.Errorf("%+v: %v", bad.Published, err)
		}
	}
}
