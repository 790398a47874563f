// Package tune looks for settings of a network that predict validation cells best:
// the paper's grid search (section 5.1) over learning rate, batch size,
// neighborhood and weight of the contrastive loss, or over any keys of a config.
// Test cells are never looked at.
//
// A newcomer starts at Run. Every trial is a line of a file as soon as it is done,
// so that a stopped search goes on where it was.
package tune

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/train/config"
)

// Axis is a key of a config and the values that it takes.
type Axis struct {
	Key    string
	Values []string
}

// ParseAxis reads "train.learning_rate=0.001,0.002". Values that hold a comma are
// in brackets: "model.modalities=[image],[image, poi]".
func ParseAxis(text string) (Axis, error) {
	key, list, ok := strings.Cut(text, "=")
	key = strings.TrimSpace(key)
	bad := func(what string) (Axis, error) {
		return Axis{}, fault.New("--grid", fmt.Sprintf("%q %s", text, what), "Write a key of the config and its values: --grid train.learning_rate=0.0005,0.001")
	}
	if !ok || key == "" {
		return bad("is no key with values")
	}
	a := Axis{Key: key}
	depth, from := 0, 0
	for i := 0; i <= len(list); i++ {
		switch {
		case i < len(list) && list[i] == '[':
			depth++
		case i < len(list) && list[i] == ']':
			depth--
		case i == len(list) || list[i] == ',' && depth == 0:
			v := strings.TrimSpace(list[from:i])
			if v == "" {
				return bad("has an empty value")
			}
			if slices.Contains(a.Values, v) {
				return bad("names " + v + " twice")
			}
			a.Values = append(a.Values, v)
			from = i + 1
		}
		if depth < 0 {
			return bad("has a bracket too many")
		}
	}
	if depth != 0 {
		return bad("has a bracket that is not closed")
	}
	return a, nil
}

// PaperGrid are the axes that the paper searches.
func PaperGrid() []Axis {
	return []Axis{{"train.learning_rate", []string{"0.0005", "0.001", "0.002"}}, {"train.batch_size", []string{"16", "32", "64"}},
		{"model.neighborhood", []string{"3", "5", "7"}}, {"train.alpha", []string{"0.001", "0.01", "0.1"}}}
}

// Grid are the axes that are searched where none are given: the paper's, or those of
// a rival's preset.
func Grid(m config.Model) ([]Axis, error) {
	list := m.Grid()
	if len(list) == 0 {
		return PaperGrid(), nil
	}
	return ParseGrid(list)
}

// ParseGrid reads axes. Only settings of model and train differ between points; the
// data do not.
func ParseGrid(list []string) (axes []Axis, err error) {
	for _, text := range list {
		a, err := ParseAxis(text)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(a.Key, "model.") && !strings.HasPrefix(a.Key, "train.") {
			return nil, fault.New("--grid", a.Key+" is no setting of model or train", "Data are the same for all points; name keys such as train.learning_rate.")
		}
		axes = append(axes, a)
	}
	return axes, nil
}

// Points are all combinations of the axes' values as settings ("key=value"), the
// last axis the fastest; with most above 0 so many of them, drawn by seed, in the
// order in which they were drawn.
func Points(axes []Axis, most int, seed int64) ([][]string, error) {
	if most < 0 {
		return nil, fault.New("--trials", fmt.Sprintf("%d is below 0", most), "Give 0 for the whole grid, or how many points are to be drawn.")
	}
	n := 1
	for i, a := range axes {
		for _, b := range axes[:i] {
			if a.Key == b.Key {
				return nil, fault.New("--grid", a.Key+" is given twice", "Name each key once, with all of its values.")
			}
		}
		if n *= len(a.Values); n > 1e6 {
			return nil, fault.New("--grid", "has more than a million points", "Give fewer values.")
		}
	}
	if len(axes) == 0 {
		return nil, fault.New("--grid", "names no key", "Leave it away for the paper's grid, or name some.")
	}
	all := make([][]string, n)
	for i := range all {
		rest := i
		point := make([]string, len(axes))
		for k := len(axes) - 1; k >= 0; k-- {
			v := axes[k].Values
			point[k] = axes[k].Key + "=" + v[rest%len(v)]
			rest /= len(v)
		}
		all[i] = point
	}
	if most > 0 && most < n {
		rng := rand.New(rand.NewPCG(uint64(seed), 0x707e))
		rng.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:most]
	}
	return all, nil
}
