package split

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

const (
	mostPredicted = 10000        // prediction cells, and held-out ones, that distances are taken from: of more, so many are drawn
	mostClustered = 5000         // labeled cells that clusters are found on; the others go to the nearest center
	numbersTried  = 40           // of clusters
	clusterRounds = 10           // of k-means
	largestFold   = 0.5          // share of the labeled cells
	knndmWord     = 0x6b6e6e646d // draws clusters, by the seed
	heldOutWord   = 0x706f696e7473
)

// Matched are folds whose distances look like those of the prediction.
type Matched struct {
	Folds []int // [N], -1 for cells without a target
	// Clusters is the number of groups of cells that were dealt to folds; as many
	// as there are cells where a random draw lies nearest.
	Clusters int
	// W are Wasserstein distances in km between two distributions: from held-out
	// cells to the nearest cell trained on, and from prediction cells to the
	// nearest labeled cell. Of these folds, of blocks (NaN where they cannot be
	// made) and of folds drawn cell by cell.
	W, Blocks, Random float64
	HeldOut, Ahead    float64 // means of the two distributions in km
	Predicted         int     // prediction cells: those without a label
}

// KNNDM deals cells to k folds so that held-out cells lie as far from those that
// are trained on as the cells to be predicted lie from the labeled ones (kNNDM;
// Linnenbrink et al., "kNNDM: k-fold nearest neighbor distance matching cross-
// validation for map accuracy estimation", Geosci. Model Dev. 17, 2024): cells
// are clustered by place into more and more groups, which are dealt to folds
// along the longest direction of the region, and the folds whose distribution of
// distances lies nearest to the prediction's are taken.
//
// predicted are the cells to be predicted, [P, 2] in degrees; those that are
// labeled are left out, since nobody predicts what he knows. What trains is what
// Fold says: neither the fold that validates nor what lies within the buffer.
// Otherwise as in the paper, but that the clusters are of k-means always, and
// that folds drawn cell by cell are a candidate like the others. block is of the
// folds that the result is compared with. Errors are *fault.Input.
func KNNDM(ctx context.Context, in Input, predicted []float64, k, block, buffer int, seed int64) (*Matched, error) {
	labeled, ahead, err := in.ahead(predicted, k)
	if err != nil {
		return nil, err
	}
	m := &Matched{Blocks: math.NaN(), W: math.Inf(1), Predicted: len(ahead)}
	rng := rand.New(rand.NewPCG(uint64(seed), knndmWord))
	aheadKM := distances(drawn(ahead, mostPredicted, rng), labeled)
	m.Ahead = mean(aheadKM)
	if far, wide := aheadKM[len(aheadKM)/2], span(labeled); far > wide {
		return nil, fault.New("prediction region", fmt.Sprintf("half of its cells lie %.0f km and more from a labeled one, but the labeled cells span only %.0f km", far, wide),
			"No folds are like that. See go run ./cmd/transfer for what a model is worth in another region, or give a nearer one.")
	}
	try := func(folds []int) (float64, error) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		held := heldOut(in, labeled, folds, k, buffer, seed)
		return wasserstein(held, aheadKM), nil
	}
	if blocks, err := Folds(in, k, block, seed); err == nil {
		if m.Blocks, err = try(blocks); err != nil {
			return nil, err
		}
	}
	for _, n := range clusterNumbers(k, len(labeled)) {
		of := cluster(labeled, n, rng)
		folds := in.spread(deal(labeled, of, n, k))
		if folds == nil {
			continue
		}
		w, err := try(folds)
		if err != nil {
			return nil, err
		}
		if w < m.W {
			m.W, m.Folds, m.Clusters = w, folds, n
		}
	}
	random := in.spread(atRandom(len(labeled), k, rng))
	if m.Random, err = try(random); err != nil {
		return nil, err
	}
	if m.Random <= m.W {
		m.W, m.Folds, m.Clusters = m.Random, random, len(labeled)
	}
	if math.IsInf(m.W, 1) {
		return nil, fault.New("buffer", fmt.Sprintf("no folds leave cells to train on within %d cells of those that test and validate", buffer), "Make the buffer smaller.")
	}
	m.HeldOut = mean(heldOut(in, labeled, m.Folds, k, buffer, seed))
	return m, nil
}

// ahead are the places of the labeled cells, in their order, and of those to be
// predicted that have no label.
func (in Input) ahead(predicted []float64, k int) (labeled, ahead []point, err error) {
	if len(in.HasTarget) != len(in.Cells) || len(in.LonLat) != 2*len(in.Cells) || len(predicted)%2 != 0 {
		return nil, nil, fmt.Errorf("split: %d cells, %d flags, %d and %d coordinates", len(in.Cells), len(in.HasTarget), len(in.LonLat), len(predicted))
	}
	if k < 3 {
		return nil, nil, fault.New("folds", fmt.Sprintf("%d are too few", k), "Use 3 or more: one tests, one validates, the rest trains.")
	}
	for i, has := range in.HasTarget {
		if has {
			labeled = append(labeled, pointAt(in.LonLat[2*i], in.LonLat[2*i+1]))
		}
	}
	if len(labeled) < 2*k {
		return nil, nil, fault.New("folds", fmt.Sprintf("%d cells have a target, too few for %d folds", len(labeled), k), "Use fewer folds, or a store with more labeled cells.")
	}
	if len(predicted) == 0 {
		return nil, nil, fault.New("prediction region", "has no cells", "Name another one (compare: --for).")
	}
	near := newTree(labeled)
	for i := 0; i < len(predicted); i += 2 {
		p := pointAt(predicted[i], predicted[i+1])
		if _, d := near.nearest(p); arc(d) > 1e-3 { // a meter: the labeled cell itself
			ahead = append(ahead, p)
		}
	}
	if len(ahead) == 0 {
		return nil, nil, fault.New("prediction region", fmt.Sprintf("all of its %d cells have a target: nothing is left to predict, and no distances to match", len(predicted)/2),
			"Name one where the model is to predict (compare: --for west,south,east,north or a store), or take folds of blocks.")
	}
	return labeled, ahead, nil
}

// spread gives the folds of the labeled cells to all cells; nil stays nil.
func (in Input) spread(folds []int) []int {
	if folds == nil {
		return nil
	}
	all := make([]int, len(in.Cells))
	n := 0
	for i, has := range in.HasTarget {
		all[i] = -1
		if has {
			all[i] = folds[n]
			n++
		}
	}
	return all
}

// heldOut are the distances in km, sorted, from the cells that test to the
// nearest that trains, over all folds; empty where a fold trains on none.
func heldOut(in Input, labeled []point, folds []int, k, buffer int, seed int64) []float64 {
	var all []float64
	for test := range k {
		var tests, trains []point
		n := 0
		for i, s := range Fold(in, folds, k, test, buffer) {
			switch s {
			case store.Test:
				tests = append(tests, labeled[n])
			case store.Train:
				trains = append(trains, labeled[n])
			}
			if in.HasTarget[i] {
				n++
			}
		}
		if len(trains) == 0 {
			return nil
		}
		// Each fold is drawn from in the same share, lest a small one count as much as a large one.
		most := max(1, mostPredicted*len(tests)/len(labeled))
		all = append(all, distances(drawn(tests, most, rand.New(rand.NewPCG(uint64(seed), heldOutWord))), trains)...)
	}
	slices.Sort(all)
	return all
}

// distances are those in km, sorted, from each point to the nearest of others.
func distances(from, to []point) []float64 {
	near := newTree(to)
	out := make([]float64, len(from))
	for i, p := range from {
		_, d := near.nearest(p)
		out[i] = arc(d)
	}
	slices.Sort(out)
	return out
}

// drawn are most points of a list at most.
func drawn(points []point, most int, rng *rand.Rand) []point {
	if len(points) <= most {
		return points
	}
	points = slices.Clone(points)
	for i := range most {
		j := i + rng.IntN(len(points)-i)
		points[i], points[j] = points[j], points[i]
	}
	return points[:most]
}

// wasserstein is the area between two distribution functions, given as sorted
// values; infinite where one is empty.
func wasserstein(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return math.Inf(1)
	}
	sum, at := 0.0, min(a[0], b[0])
	for i, j := 0, 0; i < len(a) || j < len(b); {
		next := math.Inf(1)
		if i < len(a) {
			next = a[i]
		}
		if j < len(b) {
			next = min(next, b[j])
		}
		sum += math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))) * (next - at)
		for at = next; i < len(a) && a[i] <= at; i++ {
		}
		for ; j < len(b) && b[j] <= at; j++ {
		}
	}
	return sum
}

// clusterNumbers are the numbers of clusters that are tried, from k upward, each a
// constant share above the one before.
func clusterNumbers(k, cells int) (numbers []int) {
	most := min(cells-2, mostClustered)
	for i := range numbersTried {
		n := int(math.Round(math.Exp(math.Log(float64(k)) + float64(i)/(numbersTried-1)*math.Log(float64(most)/float64(k)))))
		if n >= k && n <= most && (len(numbers) == 0 || n > numbers[len(numbers)-1]) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// cluster groups points by place into n (k-means from n of them drawn at
// random), and returns the group of each.
func cluster(points []point, n int, rng *rand.Rand) []int {
	sample := drawn(points, mostClustered, rng)
	centers := slices.Clone(drawn(sample, n, rng))
	for range clusterRounds {
		near := newTree(centers)
		sums, counts := make([]point, n), make([]float64, n)
		for _, p := range sample {
			c, _ := near.nearest(p)
			for a := range p {
				sums[c][a] += p[a]
			}
			counts[c]++
		}
		moved := false
		for c := range centers {
			for a := range sums[c] {
				if counts[c] > 0 {
					mean := sums[c][a] / counts[c]
					moved = moved || mean != centers[c][a]
					centers[c][a] = mean
				}
			}
		}
		if !moved {
			break
		}
	}
	near := newTree(centers)
	of := make([]int, len(points))
	for i, p := range points {
		of[i], _ = near.nearest(p)
	}
	return of
}

// deal puts n clusters into k folds: one of a fold's size is a fold by itself, the
// others go to the rest in turn, in their order along the region's longest
// direction. nil where a fold would be too large or empty.
func deal(points []point, of []int, n, k int) []int {
	sums, counts := make([]point, n), make([]int, n)
	for i, c := range of {
		for a := range points[i] {
			sums[c][a] += points[i][a]
		}
		counts[c]++
	}
	axis := longest(points)
	along := make([]float64, n)
	var order []int
	for c := range sums {
		if counts[c] > 0 {
			along[c] = (sums[c][0]*axis[0] + sums[c][1]*axis[1] + sums[c][2]*axis[2]) / float64(counts[c])
			order = append(order, c)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(along[a], along[b]) })
	fold := make([]int, n)
	large := 0
	for _, c := range order {
		if fold[c] = -1; counts[c]*k >= len(points) && large < k {
			fold[c] = large
			large++
		}
	}
	next := large
	for _, c := range order {
		if fold[c] >= 0 {
			continue
		}
		if large == k {
			return nil // nothing takes the rest
		}
		fold[c] = next
		if next++; next == k {
			next = large
		}
	}
	folds, sizes := make([]int, len(points)), make([]int, k)
	for i, c := range of {
		folds[i] = fold[c]
		sizes[fold[c]]++
	}
	for _, s := range sizes {
		if s == 0 || float64(s) > largestFold*float64(len(points)) {
			return nil
		}
	}
	return folds
}

// atRandom deals n cells to k folds of one size.
func atRandom(n, k int, rng *rand.Rand) []int {
	folds := make([]int, n)
	for i := range folds {
		folds[i] = i % k
	}
	rng.Shuffle(n, func(i, j int) { folds[i], folds[j] = folds[j], folds[i] })
	return folds
}

// longest is the direction in which points spread most, of length 1: their first
// principal component, by the power method.
func longest(points []point) point {
	var middle point
	for _, p := range points {
		for a := range p {
			middle[a] += p[a] / float64(len(points))
		}
	}
	var c [3]point // covariance, up to a factor
	for _, p := range points {
		for a := range p {
			for b := range p {
				c[a][b] += (p[a] - middle[a]) * (p[b] - middle[b])
			}
		}
	}
	v := point{0.6, 0.5, 0.4} // no direction that a region lies across
	for range 200 {
		var w point
		for a := range w {
			w[a] = c[a][0]*v[0] + c[a][1]*v[1] + c[a][2]*v[2]
		}
		length := math.Sqrt(w.squared(point{}))
		if length == 0 {
			return v
		}
		for a := range v {
			v[a] = w[a] / length
		}
	}
	return v
}

// span is about how wide points lie, in km: twice the largest distance from their
// middle.
func span(points []point) float64 {
	var middle point
	for _, p := range points {
		for a := range p {
			middle[a] += p[a] / float64(len(points))
		}
	}
	far := 0.0
	for _, p := range points {
		far = max(far, p.squared(middle))
	}
	return 2 * arc(far)
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
