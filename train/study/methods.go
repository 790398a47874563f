package study

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/sheet"
	"opencarbon/train/atomicfile"
	"opencarbon/train/metrics"
)

// MethodsTable is the table of a transfer study of several methods, in its folder.
const MethodsTable = "transfer-methods.csv"

// ownNetwork is the method that a transfer study is of where none is named.
const ownNetwork = "opencarbon"

// TransferRow is what a method is worth in regions that it has not seen.
type TransferRow struct {
	Method string
	Away   float64 // mean rank correlation of all pairs of two regions; NaN where none is defined
	Pairs  int     // behind it
	Home   float64 // the same on the own regions' test cells
	Why    string  // it could not take part
	Result *TransferResult
}

// TransferMethods makes a transfer study of each method (names as compare has
// them): Figure 4(b) once a method, and a table of means. The experiment's own
// network keeps the study's folder, each other method has one below it; what is
// trained is not trained again. A method that cannot take part says why, unless it
// is the first.
func TransferMethods(ctx context.Context, p *Plan, o TransferOptions, methods []string) ([]TransferRow, error) {
	var rows []TransferRow
	seen := map[string]bool{}
	for _, name := range methods {
		if seen[name] {
			return nil, fault.New("--methods", "names "+name+" twice", "Name each method once.")
		}
		seen[name] = true
	}
	if len(methods) == 0 {
		return nil, fault.New("--methods", "names no method", "Leave it away, or name some.")
	}
	for i, name := range methods {
		method := name
		if method == ownNetwork {
			method = ""
		}
		r, err := transferOf(ctx, p, o, method)
		switch {
		case err != nil && i > 0 && fault.IsInput(err):
			rows = append(rows, TransferRow{Method: name, Away: math.NaN(), Home: math.NaN(), Why: err.Error()})
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		default:
			rows = append(rows, rowOf(name, r))
		}
	}
	out := o.Out
	if out == "" {
		out = p.Out
	}
	return rows, atomicfile.Write(filepath.Join(out, MethodsTable), func(w io.Writer) error { return writeMethods(w, rows) })
}

func rowOf(name string, r *TransferResult) TransferRow {
	row := TransferRow{Method: name, Away: math.NaN(), Pairs: r.Mean.N, Result: r}
	if r.Mean.Defined {
		row.Away = r.Mean.Value
	}
	sum, n := 0.0, 0
	for i := range r.Matrix.Regions {
		if v := r.Matrix.At(i, i).Spearman; v.Defined {
			sum, n = sum+v.Value, n+1
		}
	}
	row.Home = sum / float64(n) // NaN of none
	return row
}

func writeMethods(w io.Writer, rows []TransferRow) error {
	number := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	table := [][]string{{"method", "spearman_other_regions", "pairs", "spearman_own_test_cells", "folder", "left_out"}}
	for _, r := range rows {
		folder := ""
		if r.Result != nil {
			folder = r.Result.Dir
		}
		table = append(table, []string{r.Method, number(r.Away), strconv.Itoa(r.Pairs), number(r.Home), folder, r.Why})
	}
	return sheet.NewWriter(w).WriteAll(table)
}

// PrintMethods writes each method's matrix, then the table of means, which is
// valid Markdown.
func PrintMethods(out io.Writer, rows []TransferRow) error {
	for _, r := range rows {
		if r.Result == nil {
			continue
		}
		if _, err := fmt.Fprintf(out, "\n%s\n", r.Method); err != nil {
			return err
		}
		if err := r.Result.Print(out); err != nil {
			return err
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nMeans of Spearman's rank correlation:\n\n| %-18s | other regions | pairs | own test cells |\n|%s|--------------:|------:|---------------:|\n", "method", strings.Repeat("-", 20))
	for _, r := range rows {
		if r.Result == nil {
			fmt.Fprintf(&b, "| %-18s | left out: %s |\n", r.Method, fault.Line(r.Why))
			continue
		}
		fmt.Fprintf(&b, "| %-18s | %13s | %5d | %14s |\n", r.Method, metrics.Number(r.Away), r.Pairs, metrics.Number(r.Home))
	}
	_, err := io.WriteString(out, b.String())
	return err
}
