package train

import (
	"math"
	"slices"
	"testing"

	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
)

// TestPatience: when training stops, by variant. Validations are asked for every
// 5 epochs; better says which of them improve.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		name, variant string
		patience, min int
		better        func(n int) bool // of the n-th validation, from 1
		stop          int              // epochs done
	}{
		// The published program: 31 that are no improvement after the first one, then beyond epoch 100. Its n-th
		// validation comes after the epoch of index 5 (n - 1).
		{"never better", "reference", 30, 100, func(n int) bool { return n == 1 }, 156},
		{"every second better", "reference", 30, 100, func(n int) bool { return n%2 == 1 }, 306}, // the counter is never set back
		{"little patience", "reference", 3, 100, func(n int) bool { return n == 1 }, 106},        // epoch index 105
		{"paper", "paper", 30, 100, func(n int) bool { return n == 1 }, 155},
		{"paper, every second better", "paper", 30, 100, func(n int) bool { return n%2 == 1 }, 0},
		{"paper, better late", "paper", 3, 20, func(n int) bool { return n == 1 || n == 3 }, 30},
		{"no patience set", "paper", 0, 0, func(n int) bool { return n == 1 }, 0},
	} {
		cfg := config.Defaults()
		cfg.Model.Variant, cfg.Train.Patience, cfg.Train.MinEpochs = c.variant, c.patience, c.min
		s := checkpoint.State{}
		r2 := 0.0
		cfg.Train.ValidateEvery, cfg.Train.Epochs = 5, 3002
		for n := 0; s.Epoch < cfg.Train.Epochs && s.Stopped == ""; {
			s.Epoch++
			if !due(&s, &cfg) {
				continue
			}
			n++
			if better := c.better(n); better {
				r2 += 0.001
				if !judge(&s, &cfg, r2) || s.BestEpoch != s.Epoch {
					t.Errorf("%s: validation %d is the best, and not taken for it", c.name, n)
				}
			} else if judge(&s, &cfg, []float64{r2, r2 - 1, math.NaN()}[n%3]) { // the same again is no improvement
				t.Errorf("%s: validation %d is taken for the best", c.name, n)
			}
		}
		if got := s.Epoch; (s.Stopped == "") != (c.stop == 0) || c.stop > 0 && got != c.stop {
			t.Errorf("%s: stopped after epoch %d (%q), want %d", c.name, got, s.Stopped, c.stop)
		}
	}
}

// TestValidationEpochs: after how many epochs validations come.
func TestValidationEpochs(t *testing.T) {
	for _, c := range []struct {
		variant       string
		every, epochs int
		want          []int
	}{
		{"reference", 5, 18, []int{1, 6, 11, 16}}, // indices 0, 5, 10, 15; none after the last epoch
		{"reference", 1, 3, []int{1, 2, 3}},
		{"paper", 5, 18, []int{5, 10, 15, 18}},
		{"plus", 5, 15, []int{5, 10, 15}},
	} {
		cfg := config.Defaults()
		cfg.Model.Variant, cfg.Train.ValidateEvery, cfg.Train.Epochs = c.variant, c.every, c.epochs
		var got []int
		for s := (checkpoint.State{Epoch: 1}); s.Epoch <= c.epochs; s.Epoch++ {
			if due(&s, &cfg) {
				got = append(got, s.Epoch)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, every %d of %d: after %v, want %v", c.variant, c.every, c.epochs, got, c.want)
		}
	}
}
