package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

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

// TestDemoPreset: the made city's own experiment file and the preset demo
// describe the same experiment, but for where the files lie.
func TestDemoPreset(t *testing.T) {
	c := newCity(t, master(t))
	own, err := config.Load(c.path("demo.yaml"), []string{"data.imagery.size=64"})
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
