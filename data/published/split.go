package published

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/store"
	"opencarbon/torch/pickle"
)

// splitSeed is the seed of the random split of a dataset without a split file,
// as in the published program.
const splitSeed = 42

// split reads the split file, or splits the samples at random.
func (b *build) split(path string) error {
	b.splits = make([]store.Split, len(b.cells))
	if path == "" {
		b.splitRandom()
	} else if err := b.splitFile(path); err != nil {
		return err
	}
	for i, s := range b.splits {
		if math.IsNaN(b.targets[i]) {
			continue
		}
		switch s {
		case store.Train:
			b.report.Train++
		case store.Validation:
			b.report.Validation++
		case store.Test:
			b.report.Test++
		}
	}
	return nil
}

// splitRandom draws 60 % of the tiles for training, 20 % for validation and 20 %
// for test, as scikit-learn's train_test_split does in two steps with seed 42 on
// the tiles in their order: 40 % are taken away, and half of these. Another order
// of the tiles gives other parts; so does a program that splits in other steps.
// Who wants those of a run saves them as train_test_split_<city>.pkl.
func (b *build) splitRandom() {
	if b.report.Samples == 0 {
		b.report.Split = "none: the dataset has no emissions"
		return
	}
	all := make([]int, len(b.cells))
	for i := range all {
		all[i] = i
	}
	train, rest := trainTest(all, 0.4)
	validation, test := trainTest(rest, 0.5)
	for _, part := range []struct {
		tiles []int
		split store.Split
	}{{train, store.Train}, {validation, store.Validation}, {test, store.Test}} {
		for _, i := range part.tiles {
			if !math.IsNaN(b.targets[i]) {
				b.splits[i] = part.split
			}
		}
	}
	b.report.Split = fmt.Sprintf("random: 60 / 20 / 20 %% of the tiles in their order, as scikit-learn with seed %d", splitSeed)
}

// splitFile reads the split file at path.
func (b *build) splitFile(path string) error {
	s, err := open(path, "")
	if err != nil {
		return err
	}
	defer s.Close()
	return b.listsOf(s, path)
}

// listsOf reads an open split file.
func (b *build) listsOf(s *source, path string) error {
	v, err := s.load(nil)
	if err != nil {
		return bad(path, err)
	}
	lists, err := items(v)
	if err != nil || len(lists) != 3 {
		return bad(path, fmt.Errorf("it holds %s, not a tuple of the lists train, validation and test", pickle.TypeName(v)))
	}
	at := make(map[grid.Cell]int, len(b.cells))
	for i, c := range b.cells {
		at[c] = i
	}
	for k, name := range []store.Split{store.Train, store.Validation, store.Test} {
		tiles, err := items(lists[k])
		if err != nil {
			return bad(path, fmt.Errorf("list %d: %w", k, err))
		}
		for _, t := range tiles {
			cell, err := cellOf(t)
			if err != nil {
				return bad(path, fmt.Errorf("list %d: %w", k, err))
			}
			i, ok := at[cell]
			switch {
			case !ok:
				b.report.Foreign++
				continue
			case b.splits[i] != store.None && b.splits[i] != name:
				return fault.New(path, fmt.Sprintf("tile %s is in two lists, %s and %s", cell, b.splits[i], name), "A tile belongs to one split.")
			}
			b.splits[i] = name
		}
	}
	if !slices.ContainsFunc(b.splits, func(s store.Split) bool { return s != store.None }) {
		return fault.New(path, "none of its tiles is in the dataset", "It belongs to another city: set data.published.city, or remove it.")
	}
	b.report.Split = "as in the published split file"
	return nil
}

// items are the elements of a tuple, a list or an array [n, 2].
func items(v any) ([]any, error) {
	switch v := v.(type) {
	case pickle.Tuple:
		return v, nil
	case *pickle.List:
		return v.Items, nil
	case *pickle.Array:
		if v.Items != nil {
			return v.Items, nil
		}
		if v.Data != nil && len(v.Shape) == 2 && v.Shape[1] == 2 {
			out := make([]any, v.Shape[0])
			for i := range out {
				x, y := 2*i, 2*i+1
				if v.Fortran {
					x, y = i, i+v.Shape[0]
				}
				out[i] = pickle.Tuple{v.At(x), v.At(y)}
			}
			return out, nil
		}
	}
	return nil, errors.New("it is " + pickle.TypeName(v) + ", not a list of tiles")
}
