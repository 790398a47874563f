package poi

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"opencarbon/data/charset"
)

// TestServiceTables: the services' own values go where a person would put them,
// under names that the services share.
func TestServiceTables(t *testing.T) {
	functions := map[string]bool{}
	for preset, values := range map[string][][2]string{
		"osm": {{"amenity:restaurant", "food"}, {"shop:bakery", "food"}, {"shop:supermarket", "shop"}, {"shop:hairdresser", "service"}, {"craft:carpenter", "service"},
			{"tourism:hotel", "lodging"}, {"tourism:museum", "culture"}, {"tourism:zoo", "leisure"}, {"leisure:park", "leisure"}, {"amenity:school", "education"},
			{"amenity:hospital", "health"}, {"healthcare:centre", "health"}, {"office:government", "government"}, {"office:company", "office"}, {"office:insurance", "finance"},
			{"industrial:oil", "industry"}, {"landuse:industrial", "industry"}, {"landuse:residential", "home"}, {"landuse:retail", "shop"}, {"highway:bus_stop", "transport"},
			{"amenity:parking", "transport"}, {"amenity:fuel", "vehicle"}, {"shop:car_repair", "vehicle"}, {"highway:services", "vehicle"}, {"power:plant", "industry"},
			{"cafe", "food"}, {"bus_stop", "transport"}, {"supermarket", "shop"}, {"amenity:unheard_of", "other"}, {"shop:vacant", ""}},
		"amap": {{"餐饮服务;中餐厅;火锅店", "food"}, {"050117", "food"}, {"50117", "food"}, {"050117|060400", "food"}, {"购物服务;超级市场;华润", "shop"}, {"公司企业;工厂;工厂", "industry"},
			{"170300", "industry"}, {"公司企业;公司;公司", "office"}, {"170200", "office"}, {"商务住宅;住宅区;住宅小区", "home"}, {"120302", "home"}, {"商务住宅;产业园区;产业园区", "industry"},
			{"科教文化服务;学校;高等院校", "education"}, {"141201", "education"}, {"科教文化服务;博物馆;博物馆", "culture"}, {"140100", "culture"}, {"交通设施服务;公交车站;公交车站相关", "transport"},
			{"150700", "transport"}, {"汽车服务;加油站;中国石化", "vehicle"}, {"010101", "vehicle"}, {"10101", "vehicle"}, {"101000", "lodging"}, {"住宿服务;宾馆酒店", "lodging"}, {"090100", "health"},
			{"政府机构及社会团体;公检法机构", "government"}, {"金融保险服务;银行;中国银行", "finance"}, {"公共设施;公共厕所;公共厕所", "service"}, {"通行设施;建筑物门;建筑物正门", ""},
			{"190301", ""}, {"新的类型", "other"}},
		"tencent": {{"美食:中餐厅", "food"}, {"购物:便利店", "shop"}, {"房产小区:住宅区", "home"}, {"房产小区:商务楼宇", "office"}, {"公司企业:工厂", "industry"}, {"基础设施:交通设施:公交车站", "transport"},
			{"教育学校:小学", "education"}, {"汽车:加油站", "vehicle"}, {"地名地址:行政地名", ""}, {"其它", "other"}},
		"safegraph": {{"722511", "food"}, {"Restaurants and Other Eating Places", "food"}, {"445110", "shop"}, {"Grocery Stores", "shop"}, {"447110", "vehicle"}, {"Gasoline Stations", "vehicle"},
			{"Automotive Parts, Accessories, and Tire Stores", "vehicle"}, {"811111", "vehicle"}, {"Offices of Physicians", "health"}, {"622110", "health"}, {"Elementary and Secondary Schools", "education"},
			{"611110", "education"}, {"Religious Organizations", "culture"}, {"813110", "culture"}, {"712110", "culture"}, {"Traveler Accommodation", "lodging"}, {"721110", "lodging"},
			{"Depository Credit Intermediation", "finance"}, {"522110", "finance"}, {"Lessors of Real Estate", "office"}, {"531120", "office"}, {"531110", "home"}, {"Other Amusement and Recreation Industries", "leisure"},
			{"713940", "leisure"}, {"Justice, Public Order, and Safety Activities", "government"}, {"921190", "government"}, {"Urban Transit Systems", "transport"}, {"485110", "transport"},
			{"Personal Care Services", "service"}, {"812112", "service"}, {"Beverage Manufacturing", "industry"}, {"312120", "industry"}, {"Unheard Of", "other"}},
	} {
		table, err := LoadTable(tablePrefix + preset)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(table.Names); n < 12 || n > 16 {
			t.Errorf("%s has %d categories", preset, n)
		}
		for _, name := range table.Names {
			functions[name] = true
		}
		for _, v := range values {
			got := ""
			if at := table.Match(v[0]); at >= 0 {
				got = table.Names[at]
			}
			if got != v[1] {
				t.Errorf("%s: %s belongs to %q, want %q", preset, v[0], got, v[1])
			}
		}
	}
	if len(functions) != 16 {
		t.Errorf("the services' tables name %d functions together: %v", len(functions), functions)
	}
}

// TestTagColumns: tables with a column for each of OpenStreetMap's keys.
func TestTagColumns(t *testing.T) {
	text := "lon,lat,amenity,shop,highway,landuse,name\n" +
		"10.05,51.55,cafe,,,,a\n10.05,51.55,,bakery,,,b\n11.99,50.01,,,bus_stop,,c\n11.99,50.01,,,residential,,d\n11.99,50.01,,,,industrial,e\n11.99,50.01,,,,forest,f\n11.99,50.01,stage,,,,g\n"
	r := read(t, Spec{Path: file(t, "p.csv", text), Categories: osmPreset}, square())
	if got := show(r); !reflect.DeepEqual(got, []string{"0 food 4 0 2", "3 industry 9 9 1", "3 transport 9 9 1", "3 other 9 9 1"}) {
		t.Errorf("all keys: %q", got)
	}
	if p := r.Report; p.Untagged != 2 || p.Rows != 5 || p.Other != 1 || !reflect.DeepEqual(p.OtherValues, []ValueCount{{"amenity:stage", 1}}) {
		t.Errorf("%+v", p)
	}
	r = read(t, Spec{Path: file(t, "p.csv", text), Columns: Columns{Category: "shop, amenity"}}, square())
	if got := show(r); !reflect.DeepEqual(got, []string{"0 amenity:cafe 4 0 1", "0 shop:bakery 4 0 1", "3 amenity:stage 9 9 1"}) {
		t.Errorf("two keys: %q", got)
	}
	r = read(t, Spec{Path: file(t, "p.csv", "lon,lat,\"shop, amenity\"\n10.05,51.55,cafe\n"), Columns: Columns{Category: "shop, amenity"}}, square())
	if got := show(r); !reflect.DeepEqual(got, []string{"0 cafe 4 0 1"}) {
		t.Errorf("a column of that name: %q", got)
	}
	if err := readErr(t, Spec{Path: file(t, "p.csv", text), Columns: Columns{Category: "shop, office"}}); !strings.Contains(err, `no column "office"`) {
		t.Error(err)
	}
}

// TestOpenStreetMapLayers: a file that ogr2ogr made of OpenStreetMap's has points
// and areas in two layers, which are read in one go.
func TestOpenStreetMapLayers(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	feature := func(properties, kind, coordinates string) string {
		return fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":%s,"geometry":{"type":"%s","coordinates":%s}}]}`, properties, kind, coordinates)
	}
	write("a.geojson", feature(`{"osm_id":"1","other_tags":"\"amenity\"=>\"cafe\",\"name\"=>\"x\""}`, "Point", `[10.05,51.55]`))
	write("b.geojson", feature(`{"osm_id":"1","other_tags":"\"landuse\"=>\"industrial\""}`, "Polygon", `[[[11.9,50.0],[12.0,50.0],[12.0,50.02],[11.9,50.02],[11.9,50.0]]]`))
	layer := func(name, source string) string {
		return fmt.Sprintf(`<OGRVRTLayer name="%s"><SrcDataSource relativeToVRT="1">%s</SrcDataSource><SrcLayer>%s</SrcLayer></OGRVRTLayer>`, name, source, strings.TrimSuffix(source, ".geojson"))
	}
	write("both.vrt", "<OGRVRTDataSource>"+layer("points", "a.geojson")+layer("lines", "a.geojson")+layer("multipolygons", "b.geojson")+"</OGRVRTDataSource>")
	r := read(t, Spec{Path: filepath.Join(dir, "both.vrt"), Categories: osmPreset}, square())
	if got := show(r); !reflect.DeepEqual(got, []string{"0 food 4 0 1", "3 industry 9 9 1"}) {
		t.Errorf("%q, %+v", got, r.Report)
	}
	r = read(t, Spec{Path: filepath.Join(dir, "both.vrt")}, square())
	if got := show(r); !reflect.DeepEqual(got, []string{"0 amenity:cafe 4 0 1"}) { // what land is used for counts where it is asked for
		t.Errorf("without the table: %q", got)
	}
}

// xlsx is the least that a spreadsheet program calls a workbook (ECMA-376): one
// sheet of texts.
func xlsx(t *testing.T, rows ...[]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name, text string) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\n"+text)
	}
	const office, main = "http://schemas.openxmlformats.org/officeDocument/2006/relationships", "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	const parts = "http://schemas.openxmlformats.org/package/2006/"
	const kind = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	add("[Content_Types].xml", `<Types xmlns="`+parts+`content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="`+kind+`sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="`+kind+`worksheet+xml"/></Types>`)
	add("_rels/.rels", `<Relationships xmlns="`+parts+`relationships"><Relationship Id="rId1" Type="`+office+`/officeDocument" Target="xl/workbook.xml"/></Relationships>`)
	add("xl/workbook.xml", `<workbook xmlns="`+main+`" xmlns:r="`+office+`"><sheets><sheet name="POI" sheetId="1" r:id="rId1"/></sheets></workbook>`)
	add("xl/_rels/workbook.xml.rels", `<Relationships xmlns="`+parts+`relationships"><Relationship Id="rId1" Type="`+office+`/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`)
	sheet := `<worksheet xmlns="` + main + `"><sheetData>`
	for i, r := range rows {
		sheet += fmt.Sprintf(`<row r="%d">`, i+1)
		for j, v := range r {
			if _, err := strconv.ParseFloat(v, 64); err == nil {
				sheet += fmt.Sprintf(`<c r="%c%d"><v>%s</v></c>`, 'A'+j, i+1, v)
				continue
			}
			sheet += fmt.Sprintf(`<c r="%c%d" t="inlineStr"><is><t>%s</t></is></c>`, 'A'+j, i+1, v)
		}
		sheet += "</row>"
	}
	add("xl/worksheets/sheet1.xml", sheet+"</sheetData></worksheet>")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSpreadsheet: a map service's table as people pass it on.
func TestSpreadsheet(t *testing.T) {
	r := read(t, Spec{Path: file(t, "p.xlsx", xlsx(t, []string{"名称", "类型", "location"}, []string{"甲", "餐饮服务;中餐厅", "10.05,51.55"}, []string{"乙", "住宿服务;宾馆", "11.99,50.01"})), Categories: "preset:amap"}, square())
	if got := show(r); !reflect.DeepEqual(got, []string{"0 food 4 0 1", "3 lodging 9 9 1"}) {
		t.Errorf("%q, %+v", got, r.Report)
	}
	// Numbers to their last digit, codes without a fraction.
	r = read(t, Spec{Path: file(t, "n.xlsx", xlsx(t, []string{"编号", "经度", "纬度", "typecode"}, []string{"1", "10.1999999", "51.9000001", "50117"}, []string{"2", "10.2000001", "51.8999999", "150700"})), Categories: "preset:amap"}, square())
	if got := show(r); !reflect.DeepEqual(got, []string{"0 food 0 1 1", "0 transport 1 2 1"}) {
		t.Errorf("%q, %+v", got, r.Report)
	}
}

// readErr is the message of the error that reading ends in.
func readErr(t *testing.T, spec Spec) string {
	t.Helper()
	_, err := Read(t.Context(), spec, square(), nil)
	if err == nil {
		t.Fatal("no error")
	}
	return err.Error()
}

// FuzzTags: tags as OGR writes them, and anything else.
func FuzzTags(f *testing.F) {
	f.Add(`"amenity"=>"cafe","name"=>"The \"Quoted\" \\ Bean"`)
	f.Fuzz(func(t *testing.T, s string) { parseTags(s, map[string]string{}) })
}

// FuzzEncoding: text that is guessed to be in an encoding can be read in it.
func FuzzEncoding(f *testing.F) {
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("经度,纬度,大类\n113,23,餐饮服务\n")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{gbk, "lon,lat\n1,2\n", "\xff\xfea\x00", "\x81\x30\x81\x30", "\xa4\xa4\xa4\xe5"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sample, err := charset.Sample(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := decode("p.csv", "", sample, bytes.NewReader(b))
		if err != nil {
			return // somebody has to say
		}
		var out bytes.Buffer
		if _, err := out.ReadFrom(r); err == nil && utf8.Valid(b) && !bytes.ContainsRune(b, 0) && !bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}) && !bytes.Equal(out.Bytes(), b) {
			t.Errorf("%q became %q", b, out.Bytes())
		}
	})
}
