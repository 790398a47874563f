package bench

import (
	"fmt"
	"io"
	"strings"
)

// parts is the order of a table's columns of time.
var parts = []string{"data", "encode", "heads", "backward", "optimizer"}

// Print writes the table in Markdown. peak is the device's peak in TFLOP/s; 0
// leaves its share out. The last columns compare with the first row, or with
// the peer of the same neighborhood where there is one.
func (t *Table) Print(w io.Writer, peak float64) error {
	var b strings.Builder
	if len(t.Rows) > 0 {
		r := t.Rows[0]
		fmt.Fprintf(&b, "libtorch %s on %s; %d px, %d categories, batch %d; in the store %.0f kB a tile (a dense POI matrix alone: %.0f kB)\n\n",
			r.Libtorch, r.Device, r.Spec.Size, r.Spec.Categories, r.Spec.Batch, r.TileBytes/1e3, float64(r.DenseTileBytes)/1e3)
	}
	fmt.Fprintf(&b, "| %-36s | cells | M | threads | epoch s | ms/cell | images/s | encoded/cell | TFLOP/s | evaluation s | peak MB | ", "row")
	for _, p := range parts {
		fmt.Fprintf(&b, "%s s | ", p)
	}
	b.WriteString("epoch x | evaluation x |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	b.WriteString(strings.Repeat("--:|", len(parts)+2))
	b.WriteString("\n")
	for _, p := range t.Peers {
		fmt.Fprintf(&b, "| %-36s | %5d | %d | %7d | %7.1f | %7.1f | %8.1f | %12.2f | | %12.1f | %7.0f | %s1 | 1 |\n", p.Name, p.Cells, p.Neighborhood, p.Threads,
			p.EpochSeconds, 1e3*p.EpochSeconds/float64(p.Cells), p.ImagesPerSecond, float64(p.Neighborhood*p.Neighborhood), p.EvaluationSeconds,
			float64(p.PeakBytes)/1e6, strings.Repeat("| ", len(parts)))
	}
	for _, r := range t.Rows {
		flops := r.FLOPs / r.EpochSeconds / 1e12
		share := ""
		if peak > 0 {
			share = fmt.Sprintf(" (%.0f%%)", 100*flops/peak)
		}
		fmt.Fprintf(&b, "| %-36s | %5d | %d | %7d | %7.2f | %7.2f | %8.1f | %12.2f | %.2f%s | %12.2f | %7.0f | ", r.Spec.Name, r.Spec.Cells, r.Spec.Neighborhood, r.Threads,
			r.EpochSeconds, 1e3*r.EpochSeconds/float64(r.Spec.Cells), r.ImagesPerSecond(), r.Encodings, flops, share, r.EvaluationSeconds, float64(r.PeakBytes)/1e6)
		for _, p := range parts {
			fmt.Fprintf(&b, "%.2f | ", r.Parts[p])
		}
		epoch, evaluation := t.against(r)
		fmt.Fprintf(&b, "%.1f | %.1f |\n", epoch, evaluation)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// against is how many times faster a row is than the peer of its size and
// neighborhood, or else than the first row.
func (t *Table) against(r Result) (epoch, evaluation float64) {
	for _, p := range t.Peers {
		if p.Neighborhood == r.Spec.Neighborhood && p.Cells == r.Spec.Cells {
			return p.EpochSeconds / r.EpochSeconds, p.EvaluationSeconds / r.EvaluationSeconds
		}
	}
	first := t.Rows[0]
	return first.EpochSeconds / float64(first.Spec.Cells) / (r.EpochSeconds / float64(r.Spec.Cells)),
		first.EvaluationSeconds / float64(first.Spec.Cells) / (r.EvaluationSeconds / float64(r.Spec.Cells))
}
