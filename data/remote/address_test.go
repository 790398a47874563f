package remote

import "testing"

func TestParse(t *testing.T) {
	for name, want := range map[string][3]string{ // the address, where it is read in place, and with the file at /c/F
		"https://h.org/a.tif":                     {"https://h.org/a.tif", "/vsicurl/https://h.org/a.tif", "/c/F"},
		"HTTP://h.org/a.zip/b/c.csv":              {"http://h.org/a.zip", "/vsicurl/http://h.org/a.zip/b/c.csv", "/vsitar//c/F/b/c.csv"},
		"/vsizip//vsicurl/https://h.org/a.zip/b":  {"https://h.org/a.zip", "/vsizip//vsicurl/https://h.org/a.zip/b", "/vsizip//c/F/b"},
		"/vsizip/{/vsicurl/https://h.org/a?b=1}/": {"https://h.org/a?b=1", "/vsizip/{/vsicurl/https://h.org/a?b=1}/", "/vsizip/{/c/F}/"},
		`NETCDF:"https://h.org/a.nc":flux`:        {"https://h.org/a.nc", `NETCDF:"/vsicurl/https://h.org/a.nc":flux`, `NETCDF:"/c/F":flux`},
		"s3://bucket/k/a.tif":                     {"s3://bucket/k/a.tif", "/vsis3/bucket/k/a.tif", "/c/F"},
		"/vsigs/bucket/a.tif":                     {"gs://bucket/a.tif", "/vsigs/bucket/a.tif", "/c/F"},
		"az://c/a.tif":                            {"az://c/a.tif", "/vsiaz/c/a.tif", "/c/F"},
		"/data/a.tif":                             {}, "PG:host=x": {}, "WMS:http://h.org/?a=b": {}, "C:/a.tif": {}, "/vsizip/a.zip/b.tif": {}, "": {},
		"/vsizip/{/vsicurl/https://h.org/a.zip": {},
	} {
		a, ok := Parse(name)
		if ok != (want[0] != "") {
			t.Errorf("%s: an address: %v", name, ok)
			continue
		}
		if ok && (a.URL != want[0] || a.GDAL() != want[1] || a.At("/c/F") != want[2]) {
			t.Errorf("%s: %q, %q, %q", name, a.URL, a.GDAL(), a.At("/c/F"))
		}
	}
	if got := Shown("https://me:secret@h.org/a.csv"); got != "https://user:xxxxx@h.org/a.csv" {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("/vsizip/{/vsicurl/https://h.org/a.zip}/b")
	f.Add(`NETCDF:"s3://b/a.nc":x`)
	f.Fuzz(func(t *testing.T, name string) {
		if a, ok := Parse(name); ok {
			if again, ok := Parse(a.GDAL()); !ok || again.URL != a.URL {
				t.Errorf("%q: %q, then %q", name, a.URL, again.URL)
			}
		}
	})
}
