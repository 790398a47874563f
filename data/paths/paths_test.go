package paths

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func touch(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		p := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// Names count from the experiment file's folder, whatever wraps them.
func TestResolve(t *testing.T) {
	dir := t.TempDir()
	touch(t, dir, "a.nc", "d/a.tif", "a.zip", "a:b.tif", "x/PG:odd.csv")
	for name, want := range map[string]string{
		"":                            "",
		"a.nc":                        dir + "/a.nc",
		"../a.nc":                     filepath.Dir(dir) + "/a.nc",
		"/abs/a.nc":                   "/abs/a.nc",
		"a:b.tif":                     dir + "/a:b.tif",
		"x/PG:odd.csv":                dir + "/x/PG:odd.csv",
		`NETCDF:"a.nc":flux`:          `NETCDF:"` + dir + `/a.nc":flux`,
		"NETCDF:a.nc:flux":            "NETCDF:" + dir + "/a.nc:flux",
		"netcdf:a.nc":                 "netcdf:" + dir + "/a.nc",
		`NETCDF:"missing.nc":flux`:    `NETCDF:"` + dir + `/missing.nc":flux`,
		"NETCDF:missing.nc:flux":      "NETCDF:" + dir + "/missing.nc:flux",
		`NETCDF:"/abs/a.nc":flux`:     `NETCDF:"/abs/a.nc":flux`,
		"GTIFF_DIR:2:d/a.tif":         "GTIFF_DIR:2:" + dir + "/d/a.tif",
		`HDF5:"a.nc"://group/flux`:    `HDF5:"` + dir + `/a.nc"://group/flux`,
		"/vsizip/a.zip/b.tif":         "/vsizip/" + dir + "/a.zip/b.tif",
		"/vsizip/{a.zip}/b.tif":       "/vsizip/{" + dir + "/a.zip}/b.tif",
		"/vsizip//abs/a.zip/b.tif":    "/vsizip//abs/a.zip/b.tif",
		"/vsigzip/d/a.tif":            "/vsigzip/" + dir + "/d/a.tif",
		"/vsitar//vsigzip/a.tgz/b":    "/vsitar//vsigzip/" + dir + "/a.tgz/b",
		"/vsisubfile/10_20,d/a.tif":   "/vsisubfile/10_20," + dir + "/d/a.tif",
		`NETCDF:"/vsizip/a.zip/b.nc"`: `NETCDF:"/vsizip/` + dir + `/a.zip/b.nc"`,
		"/vsicurl/https://x.org/a":    "/vsicurl/https://x.org/a",
		"/vsizip//vsicurl/https://x":  "/vsizip//vsicurl/https://x",
		"/vsis3/bucket/a.tif":         "/vsis3/bucket/a.tif",
		"https://x.org/a.tif":         "https://x.org/a.tif",
		"PG:dbname=x host=1.2.3.4":    "PG:dbname=x host=1.2.3.4",
		"WMS:http://x.org/?a=b.c":     "WMS:http://x.org/?a=b.c",
		"odiac/*.tif":                 dir + "/odiac/*.tif",
	} {
		if got := Resolve(dir, name); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		if got := Resolve("/elsewhere", Resolve(dir, name)); got != want {
			t.Errorf("%s, resolved twice:\n got %s\nwant %s", name, got, want)
		}
	}
}

// Parts that are there as they are written mean themselves.
func TestMatch(t *testing.T) {
	dir := t.TempDir()
	touch(t, dir, "data [2018]/e_1801.tif", "data [2018]/e_1802.tif", "data [2018]/e[1].tif", "data 2/e_1801.tif", "st*r/a?.tif", "st*r/ab.tif", "star/ab.tif", "{b}/a.tif", `back\slash/e_1.tif`)
	for pattern, want := range map[string][]string{
		"data [2018]/e_18*.tif":    {"data [2018]/e_1801.tif", "data [2018]/e_1802.tif"},
		"data [2018]/e[1].tif":     {"data [2018]/e[1].tif"},
		"data [2018]/e_180[1].tif": {"data [2018]/e_1801.tif"},
		"data [12]/*.tif":          {"data 2/e_1801.tif"},
		"st*r/a?.tif":              {"st*r/a?.tif"},
		"st?r/ab.tif":              {"st*r/ab.tif", "star/ab.tif"},
		"{b}/*":                    {"{b}/a.tif"},
		`back\slash/e_*.tif`:       {`back\slash/e_1.tif`},
		"nowhere/*.tif":            nil,
		"data 2/none*":             nil,
	} {
		got, err := Match(filepath.Join(dir, pattern))
		for i := range got {
			got[i], _ = filepath.Rel(dir, got[i])
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v, want %q", pattern, got, err, want)
		}
	}
	if _, err := Match(filepath.Join(dir, "a[")); !errors.Is(err, filepath.ErrBadPattern) {
		t.Errorf("malformed: %v", err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Match("mat*.go"); err != nil || !slices.Equal(got, []string{"match.go"}) {
		t.Errorf("in %s: %q %v", here, got, err)
	}
	if !IsPattern(filepath.Join(dir, "*.tif")) || IsPattern(filepath.Join(dir, "data [2018]")) || IsPattern("plain") {
		t.Error("what is a pattern")
	}
}

func TestTileRoot(t *testing.T) {
	for name, want := range map[string]string{"a/{z}/{x}/{y}.png": "a", "{a}/t_{x}_{-y}.png": "{a}", "{z}/{x}/{y}": ".", "/t{z}/x": "/", "a/{b}/c": ""} {
		if got, ok := TileRoot(name); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", name, got, ok, want)
		}
	}
}
