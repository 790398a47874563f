package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"opencarbon/data"
	"opencarbon/data/store"
	"opencarbon/data/synth"
	"opencarbon/train/config"
)

// TestPrepare runs the command as a user does: table, reuse, pictures.
func TestPrepare(t *testing.T) {
	c := newCity(t, master(t))
	code, out, message := c.prepare("--preview")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, message)
	}
	for _, w := range []string{"demo: degrees", "in the region", "tCO2/yr", "restaurant", "train", "images", "there was no store"} {
		if !strings.Contains(out, w) {
			t.Errorf("the table lacks %q:\n%s", w, out)
		}
	}
	for _, name := range []string{"mosaic.png", "poi_density.png", "emissions.png"} {
		if _, err := os.Stat(filepath.Join(c.store(), "preview", name)); err != nil {
			t.Error(err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "pictures")
	code, again, _ := c.prepare("--preview-dir", elsewhere)
	if code != 0 || !strings.Contains(again, "up to date") {
		t.Errorf("exit code %d: %s", code, again)
	}
	if files, _ := os.ReadDir(elsewhere); len(files) != 3 {
		t.Errorf("%d pictures in the folder that was asked for", len(files))
	}
	// The table of a store that is reused is the table of its build.
	cut := func(s string) string { head, _, _ := strings.Cut(s, "\nstore\n"); return head }
	if cut(out) != cut(again) {
		t.Errorf("the second table differs:\n%s\n%s", out, again)
	}
	if got := c.left(); len(got) != 1 {
		t.Errorf("beside the store: %v", got)
	}
}

// TestCitiesShareCategories: cities that are made together have the same POI
// channels in the same order, so that a model moves from one to another.
func TestCitiesShareCategories(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "towns")
	cities, err := synth.Write(t.Context(), dir, synth.Config{Rows: 8, Cols: 8, Size: 32, Cities: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range cities {
		at := filepath.Join(dir, k.Name+".store")
		cfg, err := config.Load(filepath.Join(dir, k.Name, synth.ExperimentFile(k.Name)), []string{"data.store=" + at})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := data.Build(t.Context(), &cfg.Data, data.Options{Name: cfg.Name}); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(at)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.Categories(), synth.Categories) {
			t.Errorf("%s has the categories %v", k.Name, s.Categories())
		}
		s.Close()
	}
}

// TestDirtyPoints: rows that cannot be read are skipped and counted below the
// limit, and values that the category table does not know are listed.
func TestDirtyPoints(t *testing.T) {
	c := newCity(t, master(t))
	c.write("table.yaml", "categories:\n  food: {exact: [cafe], prefix: [rest]}\n  trade: {regex: [\"^sh?op\", \"market$\"]}\nignore: [park]\n")
	c.yaml("    path: poi.csv\n", "    path: poi.csv\n    categories: table.yaml\n")
	c.write("poi.csv", c.read("poi.csv")+"x,somewhere,47,shop,x\n")
	code, out, message := c.prepare()
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, message)
	}
	for _, w := range []string{"unreadable                              1", "somewhere", "unmapped", "  school", "  office", "ignored", "in 2 categories", "  food", "  trade"} {
		if !strings.Contains(out, w) {
			t.Errorf("the table lacks %q:\n%s", w, out)
		}
	}
}

// TestPackedInputs: a zipped mosaic and gzipped months, as they are downloaded.
func TestPackedInputs(t *testing.T) {
	c := newCity(t, master(t))
	code, plain, message := c.prepare()
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, message)
	}
	for m := 1; m <= 12; m++ {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(c.read(month(m))))
		c.check(errors.Join(err, z.Close()))
		c.write(month(m)+".gz", b.String())
		c.remove(month(m))
	}
	c.yaml("_18*.tif", "_18*.tif.gz")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("inner/mosaic.tif")
	c.check(err)
	_, err = w.Write([]byte(c.read("mosaic.tif")))
	c.check(errors.Join(err, z.Close()))
	c.write("mosaic.zip", b.String())
	c.remove("mosaic.tif")
	c.yaml("mosaic.tif", "mosaic.zip")
	code, packed, message := c.prepare()
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, message)
	}
	c.yaml("mosaic.zip", "mosaic.zip/inner/mosaic.tif")
	if code, _, message := c.prepare(); code != 0 {
		t.Errorf("a member of an archive: exit code %d: %s", code, message)
	}
	cut := func(s string) string { head, _, _ := strings.Cut(s, "\nstore\n"); return head }
	if cut(plain) != cut(packed) {
		t.Errorf("packed inputs give another table:\n%s\n%s", plain, packed)
	}
}

// TestDemoPreset: the made city's own experiment file and the preset demo
// describe the same experiment, but for where the files lie.
func TestDemoPreset(t *testing.T) {
	c := newCity(t, master(t))
	own, err := config.Load(c.path("demo.yaml"), []string{"data.imagery.size=32"})
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(c.dir))
	if err := os.Rename(c.dir, "demo-city"); err != nil {
		t.Fatal(err)
	}
	preset, err := config.Load("demo", nil)
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	move := func(p *string) { *p = strings.Replace(*p, c.dir, filepath.Join(here, "demo-city"), 1) }
	move(&own.Data.Imagery.Path)
	move(&own.Data.Emissions.Path)
	move(&own.Data.POI.Path)
	move(&own.Data.Split.File)
	if !reflect.DeepEqual(own.Data, preset.Data) {
		t.Errorf("data:\n%+v\n%+v", own.Data, preset.Data)
	}
	if !reflect.DeepEqual(own.Train, preset.Train) || !reflect.DeepEqual(own.Model, preset.Model) {
		t.Errorf("train and model:\n%+v %+v\n%+v %+v", own.Train, own.Model, preset.Train, preset.Model)
	}
}
