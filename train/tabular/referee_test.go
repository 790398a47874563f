package tabular

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"opencarbon/data/store"
)

var (
	exportStore = flag.String("export.store", "", "tile store whose features are written for testdata/referee.py")
	exportTo    = flag.String("export.to", "", "CSV file that they are written to")
)

// TestExport writes a store's features, targets and split as CSV, for
// testdata/referee.py: a line a cell, "split", "ln", then the features.
func TestExport(t *testing.T) {
	if *exportStore == "" || *exportTo == "" {
		t.Skip("give -export.store and -export.to to write features for testdata/referee.py")
	}
	s, err := store.Open(*exportStore)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := New(t.Context(), s, Inputs{Images: true, POIs: true})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(*exportTo)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprint(w, "split,ln")
	for _, name := range f.Names() {
		fmt.Fprint(w, ",", strconv.Quote(name))
	}
	fmt.Fprintln(w)
	targets, splits := s.Targets(), s.Splits()
	for i := range f.Cells() {
		if !(targets[i] > 0) || splits[i] == store.None {
			continue
		}
		fmt.Fprintf(w, "%s,%.17g", splits[i], math.Log(targets[i]))
		for _, v := range f.Rows([]int32{int32(i)}).RawRowView(0) {
			fmt.Fprintf(w, ",%.17g", v)
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
