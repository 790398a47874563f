package data

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"opencarbon/data/raster"
)

// TestFilesBehind: whatever GDAL reads behind a name is an input of the store.
func TestFilesBehind(t *testing.T) {
	raster.Trust([]string{raster.TrustRemote})
	defer raster.Trust(nil)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"n/d.shp": "s", "n/d.SHX": "x", "n/D.DBF": "f", "n/d.Prj": "p", "n/d2.dbf": "another file's",
		"a.tif": "a", "A.TFW": "w", "f.nc": "nc", "b:c.nc": "nc",
		"w.vrt":  `<VRTDataset subClass="VRTWarpedDataset"><SourceDataset relativeToVRT="1">a.tif</SourceDataset></VRTDataset>`,
		"o.vrt":  `<OGRVRTDataSource><OGRVRTLayer name="d"><SrcDataSource relativetoVRT='1'>n/d.shp</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>`,
		"nested": `<VRTDataset><SourceFilename relativeToVRT="1">w.vrt</SourceFilename><SourceFilename>/vsicurl/http://localhost:1/x.tif</SourceFilename></VRTDataset>`,
		"sub.vrt": `<VRTDataset><SourceFilename relativeToVRT="1">NETCDF:"f.nc":flux</SourceFilename>
			<SourceFilename>/vsizip/` + dir + `/z.zip/in.tif</SourceFilename></VRTDataset>`,
		"amp.vrt": `<VRTDataset><SourceFilename relativeToVRT="1">p&amp;q.tif</SourceFilename></VRTDataset>`, "p&q.tif": "pq",
		"p.gpkg": "g", "p.gpkg-wal": "rows", "p.gpkg-shm": "s", "q.gpkg": "g", "q.gpkg-wal": "",
		"e.gdb/a001": "1", "e.gdb/a002": "2",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(dir, "z.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	if _, err := z.Create("in.tif"); err != nil {
		t.Fatal(err)
	}
	z.Close()
	f.Close()
	if err := os.Symlink(filepath.Join(dir, "e.gdb"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	shape := "n/D.DBF n/d.Prj n/d.SHX n/d.shp"
	for _, k := range []struct{ name, want string }{
		{dir + "/n/d.shp", shape},
		{dir + "/o.vrt", shape + " o.vrt"},
		{dir + "/w.vrt", "A.TFW a.tif w.vrt"},
		{dir + "/nested", "/vsicurl/http://localhost:1/x.tif A.TFW a.tif nested w.vrt"},
		{dir + "/sub.vrt", "f.nc sub.vrt z.zip"},
		{dir + "/amp.vrt", "amp.vrt p&q.tif"},
		{`NETCDF:"` + dir + `/f.nc":Band1`, "f.nc"},
		{"NETCDF:" + dir + "/f.nc:Band1", "f.nc"},
		{"HDF5:" + dir + "/b:c.nc://x/y", "b:c.nc"},
		{"GTIFF_DIR:2:" + dir + "/a.tif", "A.TFW a.tif"},
		{`NETCDF:"/vsizip/` + dir + `/z.zip/in.nc":v`, "z.zip"},
		{"/vsizip/" + dir + "/z.zip/in.tif", "z.zip"},
		{"/vsizip/{" + dir + "/z.zip}/in.tif", "z.zip"},
		{"/vsigzip//vsizip/" + dir + "/z.zip/in.tif.gz", "z.zip"},
		{"/vsisubfile/0_4," + dir + "/a.tif", "A.TFW a.tif"},
		{"/vsizip//vsicurl/http://localhost:1/z.zip/in.tif", "/vsicurl/http://localhost:1/z.zip"},
		{dir + "/z.zip/in.tif", "z.zip"},
		{dir + "/p.gpkg", "p.gpkg p.gpkg-wal"},
		{dir + "/q.gpkg", "q.gpkg"},
		{dir + "/e.gdb", "e.gdb/a001 e.gdb/a002"},
		{dir + "/link", "link/a001 link/a002"},
		{"PG:dbname=x host=/nowhere", ""},
	} {
		files, err := expand(t.Context(), "data.x", k.name)
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		var got []string
		for _, p := range files {
			got = append(got, strings.TrimPrefix(p, dir+"/"))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != k.want {
			t.Errorf("%s:\n got %v\nwant %s", k.name, got, k.want)
		}
	}
}

// TestPipeIsNoInput: a FIFO or a device is refused at once, not waited for.
func TestPipeIsNoInput(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.csv")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skip("no FIFO can be made here: ", err)
	}
	vrt := filepath.Join(filepath.Dir(pipe), "mosaic.vrt")
	if err := os.WriteFile(vrt, []byte(`<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
<SourceFilename relativeToVRT="1">pipe.csv</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{pipe, "/dev/zero", "/proc/self/status", filepath.Join(filepath.Dir(pipe), "*.csv"), vrt} {
		done := make(chan error, 1)
		go func() { _, err := expand(t.Context(), "data.poi.path", p); done <- err }()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%s: %v", p, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: still waiting", p)
		}
	}
}
