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
// the fastest peer of the same neighborhood where there is one.
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
		epoch, evaluation, _ := t.fastest(p.Cells, p.Neighborhood)
		epoch, evaluation = epoch/p.EpochSeconds, evaluation/p.EvaluationSeconds
		fmt.Fprintf(&b, "| %-36s | %5d | %d | %7d | %7.1f | %7.1f | %8.1f | %12.2f | | %12.1f | %7.0f | %s%.1f | %.1f |\n", p.Name, p.Cells, p.Neighborhood, p.Threads,
			p.EpochSeconds, 1e3*p.EpochSeconds/float64(p.Cells), p.ImagesPerSecond, float64(p.Neighborhood*p.Neighborhood), p.EvaluationSeconds,
			float64(p.PeakBytes)/1e6, strings.Repeat("| ", len(parts)), epoch, evaluation)
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
	for _, r := range t.Rows {
		if r.Spec.Ranks > 1 {
			fmt.Fprintf(&b, "\n%s: summing the gradients, waiting for the slowest included, takes %.1f%% of an epoch; the sums and gathers within encode and backward are part of those.\n",
				r.Spec.Name, 100*r.Parts["together"]/r.EpochSeconds)
		}
	}
	for _, r := range t.Rows {
		if r.Eager != "" {
			fmt.Fprintf(&b, "\n%s: steps were not replayed as CUDA graphs: %s\n", r.Spec.Name, r.Eager)
		}
	}
	if len(t.LeftOut) > 0 {
		fmt.Fprintf(&b, "\nLeft out, since this processor does not compute in bfloat16 (it has no AVX-512): %s\n", strings.Join(t.LeftOut, "; "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// against is how many times faster a row is than the peers of its size and
// neighborhood, or else, a cell, than the first row.
func (t *Table) against(r Result) (epoch, evaluation float64) {
	epoch, evaluation, ok := t.fastest(r.Spec.Cells, r.Spec.Neighborhood)
	if !ok {
		first, cells := t.Rows[0], float64(r.Spec.Cells)/float64(t.Rows[0].Spec.Cells)
		epoch, evaluation = first.EpochSeconds*cells, first.EvaluationSeconds*cells
	}
	return epoch / r.EpochSeconds, evaluation / r.EvaluationSeconds
}

// fastest is the shortest time of a peer on so many cells.
func (t *Table) fastest(cells, neighborhood int) (epoch, evaluation float64, ok bool) {
	for _, p := range t.Peers {
		if p.Neighborhood != neighborhood || p.Cells != cells {
			continue
		}
		if !ok {
			epoch, evaluation, ok = p.EpochSeconds, p.EvaluationSeconds, true
		}
		epoch, evaluation = min(epoch, p.EpochSeconds), min(evaluation, p.EvaluationSeconds)
	}
	return epoch, evaluation, ok
}
