package train

import (
	"fmt"
	"math"

	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
)

// due reports whether a validation follows the epochs that are done: after every
// validate_every of them and the last one. The published program counts epochs
// from 0 and validates after 0, 5, 10, ..., that is when 1, 6, 11, ... are done,
// and not after the last one.
func due(s *checkpoint.State, c *config.Config) bool {
	every := c.Train.ValidateEvery
	if c.Model.Variant == "reference" {
		return (s.Epoch-1)%every == 0
	}
	return s.Epoch == c.Train.Epochs || s.Epoch%every == 0
}

// judge takes a validation's R2 to account: whether it is the best so far, and
// whether training stops. Epoch counts the epochs that are done.
//
// The published program never sets its counter back: every validation that is no
// improvement counts, and it stops when there are more than patience of them and
// the epoch, counted from 0, is beyond min_epochs.
func judge(s *checkpoint.State, c *config.Config, r2 float64) (best bool) {
	reference := c.Model.Published()
	best = !math.IsNaN(r2) && (!s.HasBest || r2 > s.Best)
	switch {
	case best && reference:
		s.HasBest, s.Best, s.BestEpoch = true, r2, s.Epoch
	case best:
		s.HasBest, s.Best, s.BestEpoch, s.Bad = true, r2, s.Epoch, 0
	default:
		s.Bad++
	}
	switch {
	case c.Train.Patience == 0:
	case reference && s.Bad > c.Train.Patience && s.Epoch-1 > c.Train.MinEpochs:
		s.Stopped = fmt.Sprintf("%d validations in all were no improvement", s.Bad)
	case !reference && s.Bad >= c.Train.Patience && s.Epoch >= c.Train.MinEpochs:
		s.Stopped = fmt.Sprintf("no better validation R2 in %d validations", s.Bad)
		if s.Bad > c.Train.Patience { // else the number contradicts train.patience
			s.Stopped += fmt.Sprintf("; train.min_epochs is %d", c.Train.MinEpochs)
		}
	}
	return best
}
