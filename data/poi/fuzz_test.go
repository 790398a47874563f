package poi

import (
	"context"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// FuzzRows reads any text as a POI table. It must end in an error that the user
// can mend or in points that the store accepts: in their cells and frames,
// sorted, and as many as the report says.
func FuzzRows(f *testing.F) {
	f.Add("lon,lat,category\n10.5,51.5,cafe\n10.5,51.5,bar\n")
	f.Add("placekey,latitude,longitude,top_category\na,51,10,b\na,51,10,c\n")
	f.Add("\xef\xbb\xbfx;y;type;id\n10,5;51,5;\"a\nb\";1\n1e1;5_1;x;2\n")
	f.Add("lon\tlat\ttype\n190\t95\tx\n51\t10\tx\n")
	f.Add("location,type\n\"51.5,10.5\",a\nPOINT(10.5 51.5),a\n")
	f.Add("sep=;\nwkt;type;n\n(10.5 51.5);a;0\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := newCollector(Spec{Path: "p.csv", MaxBadRows: 1}, square(), nil)
		var err error
		if c.convert, err = newConverter("p.csv", "", nil); err != nil {
			t.Fatal(err)
		}
		err = readRows(context.Background(), c.spec, strings.NewReader(text), c, func(int64) {})
		var r *Result
		if err == nil {
			r, err = c.finish()
		}
		if err != nil {
			if !fault.IsInput(err) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		rep, used := r.Report, 0.0
		for _, v := range rep.PerCategory {
			used += v.Count
		}
		if rep.Rows != rep.Bad+rep.Duplicates+rep.Outside+rep.ZeroCount+rep.Uncategorized+int(used) {
			t.Fatalf("the report does not add up: %+v", rep)
		}
		w, err := store.Create(t.TempDir()+"/s", store.Meta{}, 4, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.SetCells([]store.Cell{{Col: 0, Row: 0}, {Col: 1, Row: 0}, {Col: 0, Row: 1}, {Col: 1, Row: 1}})
		w.SetLonLat(make([]float64, 8))
		w.SetAreaKM2(make([]float64, 4))
		w.SetPOIs(r.Categories, r.Size, r.Offsets, r.Points)
		if err := w.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}
