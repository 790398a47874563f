//go:build !nogdal

package raster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// A VRT may name what lies in its own folder, and what the user trusts, nothing
// else.
func TestCheckVRT(t *testing.T) {
	defer Trust(nil)
	root := t.TempDir()
	own, other := filepath.Join(root, "own"), filepath.Join(root, "other")
	for _, dir := range []string{filepath.Join(own, "sub"), other} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	file := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	file(filepath.Join(own, "a.tif"), "a")
	file(filepath.Join(own, "sub", "b.tif"), "b")
	file(filepath.Join(own, "c.nc"), "c")
	file(filepath.Join(other, "secret.tif"), "s")
	file(filepath.Join(own, "wms.xml"), `<?xml version="1.0"?><GDAL_WMS><Service name="TMS"><ServerUrl>http://example.org/</ServerUrl></Service></GDAL_WMS>`)
	file(filepath.Join(own, "nested.vrt"), `<VRTDataset><SourceFilename>`+other+`/secret.tif</SourceFilename></VRTDataset>`)
	file(filepath.Join(own, "fine.vrt"), `<VRTDataset><SourceFilename relativeToVRT="1">sub/b.tif</SourceFilename></VRTDataset>`)
	for _, c := range []struct {
		name, text string
		says       string   // of the refusal; empty: it is fine
		trust      []string // with which it is fine
	}{
		{"beside", `<VRTDataset><SourceFilename relativeToVRT="1">a.tif</SourceFilename></VRTDataset>`, "", nil},
		{"below", `<VRTDataset><SourceFilename relativeToVRT="1">sub/b.tif</SourceFilename></VRTDataset>`, "", nil},
		{"beside, from the root", `<VRTDataset><SourceFilename relativeToVRT="0">` + own + `/a.tif</SourceFilename></VRTDataset>`, "", nil},
		{"a subdataset beside", `<VRTDataset><SourceFilename relativeToVRT="0">NETCDF:"` + own + `/c.nc":v</SourceFilename></VRTDataset>`, "", nil},
		{"a member of an archive beside", `<VRTDataset><SourceFilename relativeToVRT="0">/vsizip/` + own + `/z.zip/a.tif</SourceFilename></VRTDataset>`, "", nil},
		{"a VRT beside", `<VRTDataset><SourceFilename relativeToVRT="1">fine.vrt</SourceFilename></VRTDataset>`, "", nil},
		{"not there", `<VRTDataset><SourceFilename relativeToVRT="1">gone.tif</SourceFilename></VRTDataset>`, "", nil},
		{"above", `<VRTDataset><SourceFilename relativeToVRT="1">../other/secret.tif</SourceFilename></VRTDataset>`, "outside", []string{other}},
		{"elsewhere", `<VRTDataset><SourceFilename shared="0" relativeToVRT="0">` + other + `/secret.tif</SourceFilename></VRTDataset>`, "outside", []string{"/nowhere", root}},
		{"a folder whose name begins alike", `<VRTDataset><SourceFilename>` + own + `2/a.tif</SourceFilename></VRTDataset>`, "outside", []string{own + "2"}},
		{"the machine's own", `<VRTDataset><VRTRasterBand subClass="VRTRawRasterBand"><SourceFilename relativetoVRT="0">/etc/passwd</SourceFilename></VRTRasterBand></VRTDataset>`, "/etc/passwd", []string{"/etc"}},
		{"warped", `<VRTDataset subClass="VRTWarpedDataset"><GDALWarpOptions><SourceDataset relativeToVRT="1">../other/secret.tif</SourceDataset></GDALWarpOptions></VRTDataset>`, "outside", []string{other}},
		{"places of pixels", `<VRTDataset><Metadata domain="GEOLOCATION"><MDI key="X_DATASET">` + other + `/secret.tif</MDI></Metadata></VRTDataset>`, "outside", []string{other}},
		{"an archive elsewhere", `<VRTDataset><SourceFilename>/vsizip/{` + other + `/z.zip}/a.tif</SourceFilename></VRTDataset>`, "outside", []string{other}},
		{"one VRT names another", `<VRTDataset><SourceFilename relativeToVRT="1">nested.vrt</SourceFilename></VRTDataset>`, "outside", []string{other}},
		{"the network", `<VRTDataset><SourceFilename>/vsicurl/http://example.org/a.tif</SourceFilename></VRTDataset>`, "network", []string{TrustRemote}},
		{"the network in an archive", `<VRTDataset><SourceFilename>/vsizip/vsicurl/http://example.org/a.zip/a.tif</SourceFilename></VRTDataset>`, "outside", nil},
		{"the network through an archive", `<VRTDataset><SourceFilename>/vsizip//vsis3/bucket/a.zip/a.tif</SourceFilename></VRTDataset>`, "network", []string{TrustRemote}},
		{"an address", `<VRTDataset><SourceFilename>https://example.org/a.tif</SourceFilename></VRTDataset>`, "network", []string{TrustRemote}},
		{"a service in the name", `<VRTDataset><SourceFilename>&lt;GDAL_WMS&gt;&lt;/GDAL_WMS&gt;</SourceFilename></VRTDataset>`, "network", []string{TrustRemote}},
		{"a service beside", `<VRTDataset><SourceFilename relativeToVRT="1">wms.xml</SourceFilename></VRTDataset>`, "network", []string{TrustRemote}},
		{"a vector VRT", `<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource relativeToVRT="1">../other/x.csv</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>`, "outside", []string{other}},
		{"a database", `<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>PG:dbname=x</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>`, "network", []string{TrustRemote}},
	} {
		for _, name := range []string{"mosaic.vrt", "mosaic.tif"} { // GDAL looks at the content
			t.Run(c.name+" in "+name, func(t *testing.T) {
				Trust([]string{"/nowhere"})
				Trust(nil)
				path := filepath.Join(own, name)
				file(path, c.text)
				defer os.Remove(path)
				err := CheckVRT(path)
				if c.says == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if !fault.IsInput(err) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "data.trust") {
					t.Fatalf("%v", err)
				}
				if _, err := Open(path, Options{}); !fault.IsInput(err) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("opened as a raster: %v", err)
				}
				if _, err := OpenVector(path, "", "", nil); !fault.IsInput(err) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("opened as a vector file: %v", err)
				}
				if c.trust != nil {
					Trust(c.trust)
					if err := CheckVRT(path); err != nil {
						t.Errorf("trusted: %v", err)
					}
				}
			})
		}
	}
}

func FuzzVRTSources(f *testing.F) {
	f.Add(`<SourceFilename relativeToVRT="1">a.tif</SourceFilename>`)
	f.Add(`<SrcDataSource>/vsizip/{/vsigzip/{x}}</SrcDataSource><MDI key='X_DATASET'>NETCDF:"a":b:c</MDI>`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, src := range VRTSources("/a/b.vrt", []byte(text)) {
			for _, name := range filesOf(src) {
				within("/a", name)
			}
		}
	})
}
