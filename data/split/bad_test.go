package split

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// Bad inputs: the message names the key or file, what is wrong, and the remedy.
func TestBadInputs(t *testing.T) {
	in := town(6, 40, 20)
	third := []float64{0.6, 0.2, 0.2}
	strips := districts(t, "West", "Middle", "East", "Far", "Sea", "Isle", "Rock")
	point := write(t, "p.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"A"},"geometry":{"type":"Point","coordinates":[10,52]}}]}`)
	overlapping := write(t, "o.geojson", `{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"name":"A"},"geometry":{"type":"Polygon","coordinates":[[[10,50],[10.3,50],[10.3,53],[10,53],[10,50]]]}},
		{"type":"Feature","properties":{"name":"B"},"geometry":{"type":"Polygon","coordinates":[[[10.2,50],[10.4,50],[10.4,53],[10.2,53],[10.2,50]]]}}]}`)
	attribute := func(file string, train, test []string) Spec {
		return Spec{Method: "attribute", File: file, Field: "name", Train: train, Test: test}
	}
	list := func(text string) Spec { return Spec{Method: "list", File: write(t, "l.csv", text)} }
	for _, c := range []struct {
		name string
		spec Spec
		want []string
	}{
		{"unknown method", Spec{Method: "random"}, []string{"data.split.method", `"random"`, "blocks"}},
		{"negative buffer", blocks(4, third, 1, -1), []string{"data.split.buffer", "-1"}},
		{"block of zero", blocks(0, third, 1, 0), []string{"data.split.block", "is 0"}},
		{"two fractions", blocks(4, []float64{0.5, 0.5}, 1, 0), []string{"data.split.fractions", "[0.6, 0.2, 0.2]"}},
		{"fractions beyond one", blocks(4, []float64{0.6, 0.6, -0.2}, 1, 0), []string{"data.split.fractions"}},
		{"fractions short of one", blocks(4, []float64{0.6, 0.2, 0.1}, 1, 0), []string{"data.split.fractions"}},
		{"no training", blocks(4, []float64{0, 0.5, 0.5}, 1, 0), []string{"data.split.fractions", "the first above 0"}},
		{"too few blocks", blocks(100, third, 1, 0), []string{"data.split.block", "too few for 3 splits", "smaller"}},
		{"buffer takes everything", blocks(2, third, 1, 9), []string{"data.split.buffer", "training cells lie within 9 cells", "smaller"}},
		{"district unknown", attribute(strips, []string{"West"}, []string{"Midle"}), []string{"data.split.test", `"Midle"`, "East, Far, Isle, Middle, Rock, Sea, West"}},
		{"district in capitals", attribute(strips, []string{"WEST"}, nil), []string{"data.split.train", `"WEST"`, "capitals"}},
		{"district empty", attribute(strips, []string{"West"}, []string{"Sea"}), []string{"data.split.test", `"Sea"`, "holds no cell with a target", "East, Far, Middle, West"}},
		{"districts empty", attribute(strips, []string{"West", "Sea", "Isle"}, []string{"Rock"}), []string{"data.split.train", `districts "Sea", "Isle", "Rock"`, "hold no cell with a target", "Take what holds none out", "East, Far, Middle, West"}},
		{"district twice", attribute(strips, []string{"West", "Middle"}, []string{"Middle"}), []string{"data.split.test", `"Middle"`, "data.split.train lists too"}},
		{"no training districts", attribute(strips, nil, []string{"West"}), []string{"data.split.train", "lists no district"}},
		{"no such column", Spec{Method: "attribute", File: strips, Field: "borough", Train: []string{"West"}}, []string{"data.split.field", `"borough"`, strips, "name"}},
		{"no polygons", attribute(point, []string{"A"}, nil), []string{point, "has no polygon"}},
		{"overlapping districts", attribute(overlapping, []string{"A"}, []string{"B"}), []string{overlapping, `"A" (train) and "B" (test) overlap`, "cell "}},
		{"districts elsewhere", attribute(write(t, "e.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"A"},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]}`), []string{"A"}, nil),
			[]string{"data.split.train", "covers the region"}},
		{"file absent", attribute(filepath.Join(t.TempDir(), "no.geojson"), []string{"A"}, nil), []string{"no.geojson"}},
		{"file broken", attribute(write(t, "b.geojson", "{"), []string{"A"}, nil), []string{"b.geojson", "cannot be opened"}},
		{"list absent", Spec{Method: "list", File: filepath.Join(t.TempDir(), "no.csv")}, []string{"no.csv", "does not exist", "data.split.file"}},
		{"list a folder", Spec{Method: "list", File: t.TempDir()}, []string{"cannot be read"}},
		{"list empty", list(""), []string{"l.csv", "is empty", "col, row, split"}},
		{"list without rows", list("col,row,split\n"), []string{"l.csv", "lists no cell"}},
		{"list without column", list("x,y,split\n1,2,train\n"), []string{"l.csv", "lacks a column: it has x, y, split"}},
		{"list with a bad cell", list("col,row,split\n1,2,train\n1.5,2,train\n"), []string{"l.csv: line 3", "is no cell"}},
		{"list with a bad name", list("cell,split\n12,train\n"), []string{"l.csv: line 2", `"12,train" is no cell`}},
		{"list with a bad split", list("col,row,split\n1,2,trian\n"), []string{"l.csv: line 2", `"trian" is no split`}},
		{"list with a cell twice", list("col,row,split\n1,2,train\n3,2,test\n1,2,test\n"), []string{"l.csv: line 4", "cell 1_2 stands in line 2 already"}},
		{"list with a short row", list("col,row,split\n1,2\n"), []string{"l.csv", "broken table"}},
		{"list of another region", list("col,row,split\n1000,2000,train\n"), []string{"l.csv", "none of its 1 cells", "first cell is "}},
		{"list without training", list("col,row,split\n0,0,test\n0,-5,test\n1,-5,test\n"), []string{"data.split", "no cell with a target is left for training"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			splits, _, err := Make(context.Background(), c.spec, in)
			if splits != nil || !fault.IsInput(err) {
				t.Fatalf("got %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q lacks %q", err.Error(), w)
				}
			}
		})
	}
}

// FuzzList: no text makes the parser panic; every error is the user's to mend;
// what is accepted has cells and known splits.
func FuzzList(f *testing.F) {
	f.Add([]byte("col,row,split\n1,2,train\n"))
	f.Add([]byte("\xef\xbb\xbfcell;split\r\n\"1_2\";val\r\n"))
	f.Add([]byte("split\tcol\trow\n\t1\t2\n"))
	f.Add([]byte("col,row,split\n1,2,\"tr\nain\"\n9223372036854775807,-9223372036854775808,test\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		listed, err := parseList("l.csv", text)
		if err != nil {
			if !fault.IsInput(err) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if len(listed) == 0 {
			t.Fatal("accepted without cells")
		}
		for c, s := range listed {
			if s > store.Test {
				t.Fatalf("cell %v has the split %d", c, s)
			}
		}
	})
}
