package rank

import (
	"cmp"
	"math"
	"slices"
)

// Kendall is Kendall's tau-b: concordant minus discordant pairs, over the
// geometric mean of the pairs not tied on either side. It is found in
// O(n log n) by counting the exchanges of a merge sort (Knight 1966, JASA 61).
//
// P is two-sided and chosen as scipy.stats.kendalltau chooses it: exact where
// there are no ties and n <= 33 (or at most one pair is out of order), by the
// normal approximation with the variance for ties otherwise. Errors as Spearman.
func Kendall(predicted, truth []float64) (Result, error) {
	why, ok, err := check(predicted, truth)
	if err != nil || !ok {
		return why, err
	}
	n := len(truth)
	x, y := predicted, truth
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(x[a], x[b]), cmp.Compare(y[a], y[b]))
	})
	var both float64 // pairs tied on both sides
	for lo := 0; lo < n; {
		hi := lo + 1
		for hi < n && x[order[hi]] == x[order[lo]] && y[order[hi]] == y[order[lo]] {
			hi++
		}
		both += pairs(hi - lo)
		lo = hi
	}
	tx := tiesOf(x, order)
	// Sorted by x, then y: what is still out of order in y is discordant.
	discordant := float64(exchanges(order, make([]int, n), func(a, b int) bool { return y[b] < y[a] }))
	ty := tiesOf(y, order)

	all := pairs(n)
	surplus := all - tx.pairs - ty.pairs + both - 2*discordant // concordant - discordant
	tau := surplus / math.Sqrt(all-tx.pairs) / math.Sqrt(all-ty.pairs)
	r := Result{Defined: true, Value: max(-1, min(1, tau)), N: n}
	if tx.pairs == 0 && ty.pairs == 0 && (n <= 33 || min(discordant, all-discordant) <= 1) {
		r.P = kendallExactP(n, int(min(discordant, all-discordant)))
	} else {
		r.P = kendallNormalP(float64(n), surplus, tx, ty)
	}
	return r, nil
}

func pairs(n int) float64 { return float64(n) * float64(n-1) / 2 }

// ties sums over the groups of t equal values, as the variance of tau needs it.
type ties struct {
	pairs    float64 // t (t-1) / 2
	triples  float64 // t (t-1) (t-2)
	variance float64 // t (t-1) (2t+5)
}

// tiesOf needs the order in which v rises.
func tiesOf(v []float64, order []int) ties {
	var s ties
	for lo := 0; lo < len(order); {
		hi := tie(v, order, lo)
		t := float64(hi - lo)
		s.pairs += t * (t - 1) / 2
		s.triples += t * (t - 1) * (t - 2)
		s.variance += t * (t - 1) * (2*t + 5)
		lo = hi
	}
	return s
}

// exchanges sorts a by merging and counts the pairs that were out of order.
// after(a, b) says that b must come before a.
func exchanges(a, spare []int, after func(a, b int) bool) int64 {
	if len(a) < 2 {
		return 0
	}
	half := len(a) / 2
	left, right := a[:half], a[half:]
	count := exchanges(left, spare[:half], after) + exchanges(right, spare[half:], after)
	i, j := 0, 0
	for k := range spare {
		if j == len(right) || i < len(left) && !after(left[i], right[j]) {
			spare[k] = left[i]
			i++
		} else {
			spare[k] = right[j]
			count += int64(len(left) - i)
			j++
		}
	}
	copy(a, spare)
	return count
}

// kendallNormalP: z = S / sqrt(var S) with the variance of S = concordant -
// discordant under ties (Kendall, Rank Correlation Methods, 4th ed., ch. 4).
func kendallNormalP(n, s float64, x, y ties) float64 {
	m := n * (n - 1)
	variance := (m*(2*n+5)-x.variance-y.variance)/18 +
		2*x.pairs*y.pairs/m +
		x.triples*y.triples/(9*m*(n-2))
	return math.Erfc(math.Abs(s) / math.Sqrt(variance) / math.Sqrt2)
}

// kendallExactP is twice the share of the n! orders with at most c pairs out of
// order, c <= n(n-1)/4. The counts follow Mahonian numbers: putting the j-th
// value in adds 0 to j-1 inversions, each equally likely, so that the
// distribution is convolved with a uniform one; kept as probabilities, no n!
// overflows.
func kendallExactP(n, c int) float64 {
	prob := make([]float64, c+1)
	prob[0] = 1
	next := make([]float64, c+1)
	for j := 2; j <= n; j++ {
		window := 0.0
		for k := range next {
			window += prob[k]
			if k >= j {
				window -= prob[k-j]
			}
			next[k] = window / float64(j)
		}
		prob, next = next, prob
	}
	sum := 0.0
	for _, p := range prob {
		sum += p
	}
	return min(1, 2*sum)
}
