package metrics

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
)

// Table prints one line per split, for a terminal. unit is what the amounts are
// counted in, e.g. "tCO2/yr"; an empty unit, or "proxy" (a target without one),
// leaves their columns out. Why an R2 is missing stands below the table.
func Table(splits []SplitScores, unit string) string {
	if unit == "proxy" {
		unit = ""
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "split\tcells\tR2\tMAE ln\tRMSE ln\t")
	if unit != "" {
		fmt.Fprintf(w, "MAE %s\tRMSE %s\ttotal %s\tbias %s\tbias %%\t", unit, unit, unit, unit)
	}
	fmt.Fprintln(w)
	for _, s := range splits {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t", s.Name, s.Ln.N, Number(s.Ln.R2), Number(s.Ln.MAE), Number(s.Ln.RMSE))
		if unit != "" {
			a := s.Amounts
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t", Amount(a.MAE), Amount(a.RMSE), Amount(a.Total), signed(a.Bias, Amount), signed(a.BiasPercent, percent))
		}
		fmt.Fprintln(w)
	}
	w.Flush() // writes to memory: cannot fail
	for _, s := range splits {
		if s.Ln.Undefined != "" {
			fmt.Fprintf(&b, "%s: R2 undefined (%s)\n", s.Name, s.Ln.Undefined)
		}
	}
	return b.String()
}

// Amount writes an amount with thousands separators and three significant
// digits or more, or a dash for what does not exist.
func Amount(x float64) string {
	switch a := math.Abs(x); {
	case !Finite(x):
		return "-"
	case a == 0:
		return "0"
	case a >= 1e15 || a < 1e-3:
		return fmt.Sprintf("%.3g", x)
	case a < 100:
		return fmt.Sprintf("%.3g", x)
	}
	digits := fmt.Sprintf("%.0f", math.Abs(x))
	var b strings.Builder
	if x < 0 {
		b.WriteByte('-')
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func percent(x float64) string {
	if !Finite(x) {
		return "-"
	}
	return fmt.Sprintf("%.1f", x)
}

func signed(x float64, format func(float64) string) string {
	if Finite(x) && x > 0 {
		return "+" + format(x)
	}
	return format(x)
}
