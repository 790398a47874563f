package torch

import "math"

// Schedule gives the learning rate of each epoch as a factor of the base rate.
type Schedule interface {
	// Factor returns the factor for epoch (from 0).
	Factor(epoch int) float64
}

// Constant keeps the base rate, after an optional linear warm-up.
type Constant struct {
	Warmup int // epochs over which the rate rises linearly from base / Warmup
}

// Factor implements Schedule.
func (c Constant) Factor(epoch int) float64 { return warmup(epoch, c.Warmup) }

// Cosine falls from 1 to Min over Epochs epochs along half a cosine
// (Loshchilov and Hutter, 2017), after an optional linear warm-up.
type Cosine struct {
	Epochs int
	Warmup int
	Min    float64 // the last factor, as a share of the base rate
}

// Factor implements Schedule.
func (c Cosine) Factor(epoch int) float64 {
	if epoch < c.Warmup {
		return warmup(epoch, c.Warmup)
	}
	span := c.Epochs - c.Warmup
	if span <= 1 {
		return 1
	}
	x := math.Min(1, float64(epoch-c.Warmup)/float64(span-1))
	return c.Min + (1-c.Min)*(1+math.Cos(math.Pi*x))/2
}

// Plateau multiplies the rate by Decay when the watched figure has not improved
// for more than Patience observations, as PyTorch's ReduceLROnPlateau with
// mode "max" and an absolute threshold of 0. Its fields are its state and can
// be saved.
type Plateau struct {
	Decay    float64
	Patience int
	Min      float64 // smallest factor
	Warmup   int

	Scale float64 // current factor; 0 means 1
	Best  float64
	Bad   int
	Seen  bool
}

// Factor implements Schedule.
func (p *Plateau) Factor(epoch int) float64 {
	if p.Scale == 0 {
		p.Scale = 1
	}
	return warmup(epoch, p.Warmup) * p.Scale
}

// Observe tells the schedule a figure that should grow (validation R2). NaN
// counts as no improvement.
func (p *Plateau) Observe(v float64) {
	if p.Scale == 0 {
		p.Scale = 1
	}
	if (!p.Seen && !math.IsNaN(v)) || v > p.Best {
		p.Best, p.Bad, p.Seen = v, 0, true
		return
	}
	if p.Bad++; p.Bad > p.Patience {
		p.Scale, p.Bad = math.Max(p.Min, p.Scale*p.Decay), 0
	}
}

func warmup(epoch, epochs int) float64 {
	if epoch >= epochs {
		return 1
	}
	return float64(epoch+1) / float64(epochs)
}
