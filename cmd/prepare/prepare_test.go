package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
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
	for _, w := range []string{"demo: cells of 1/120 degree", "in the region", "tCO2/yr", "restaurant", "train", "images", "there was no store"} {
		if !strings.Contains(out, w) {
			t.Errorf("the table lacks %q:\n%s", w, out)
		}
	}
	for _, name := range []string{"image.png", "mosaic.png", "poi_density.png", "emissions.png"} {
		if _, err := os.Stat(filepath.Join(c.store(), "preview", name)); err != nil {
			t.Error(err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "pictures")
	code, again, _ := c.prepare("--preview-dir", elsewhere)
	if code != 0 || !strings.Contains(again, "up to date") {
		t.Errorf("exit code %d: %s", code, again)
	}
	if files, _ := os.ReadDir(elsewhere); len(files) != 4 {
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

// TestInit: a configuration to begin with is written and taken, and says what is
// missing; nothing is overwritten.
func TestInit(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) (string, error) {
		cmd := command()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetArgs(args)
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	var polygons []string
	for i, name := range []string{"Ost", "West", "Nord", "Süd", "Mitte"} {
		w := 10 + 0.05*float64(i)
		polygons = append(polygons, fmt.Sprintf(`{"type":"Feature","properties":{"code":"1","Name":%q},"geometry":{"type":"Polygon","coordinates":[[[%g,50],[%g,50],[%g,50.1],[%g,50.1],[%g,50]]]}}`, name, w, w+0.05, w+0.05, w, w))
	}
	districts := filepath.Join(dir, "d.geojson")
	if err := os.WriteFile(districts, []byte(`{"type":"FeatureCollection","features":[`+strings.Join(polygons, ",")+`]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := run("--init", filepath.Join(dir, "my city"), "--districts", districts)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"my_city.yaml", "3 input files are missing", "my_city/mosaic.tif", "geofabrik"} {
		if !strings.Contains(out, w) {
			t.Errorf("lacks %q:\n%s", w, out)
		}
	}
	c, err := config.Load(filepath.Join(dir, "my_city.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Data.Split; s.Field != "Name" || !slices.Equal(s.Train, []string{"Ost", "West", "Nord"}) || !slices.Equal(s.Test, []string{"Mitte"}) || c.Data.Region.File != districts {
		t.Errorf("%+v", c.Data)
	}
	if _, err := run("--init", filepath.Join(dir, "box"), "--bbox", "-0.5,51.3,0.3,51.7"); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]struct {
		args []string
		want string
	}{
		"again":         {[]string{"--init", filepath.Join(dir, "box"), "--bbox", "1,2,3,4"}, "is there already"},
		"nothing":       {[]string{"--init", "x"}, "--bbox or --districts"},
		"both":          {[]string{"--init", "x", "--bbox", "1,2,3,4", "--districts", districts}, "one of them only"},
		"latitude":      {[]string{"--init", filepath.Join(dir, "y"), "--bbox", "39.8,116.2,40.1,116.6"}, "[116.2, 39.8, 116.6, 40.1]"},
		"words":         {[]string{"--init", "x", "--bbox", "a,b,c,d"}, "no number"},
		"another name":  {[]string{"--init", filepath.Join(dir, "北京"), "--bbox", "116.2,39.8,116.6,40.1"}, "name is"},
		"no such file":  {[]string{"--init", filepath.Join(dir, "z"), "--districts", filepath.Join(dir, "none.shp")}, "no such file"},
		"without init":  {[]string{"--bbox", "1,2,3,4"}, "--init"},
		"no polygons":   {[]string{"--init", filepath.Join(dir, "z"), "--districts", empty(t)}, "polygons"},
		"nothing named": {[]string{"--init", "?"}, "no name"},
	} {
		if _, err := run(bad.args...); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: %v, want %q", name, err, bad.want)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.yaml")); len(files) != 2 {
		t.Errorf("left: %q", files)
	}
}

// empty is a file of points alone.
func empty(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "p.geojson")
	if err := os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"a"},"geometry":{"type":"Point","coordinates":[1,2]}}]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}
