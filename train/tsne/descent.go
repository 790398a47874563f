package tsne

import (
	"context"
	"math"
)

// objective is the divergence of a map from the data's affinities.
type objective interface {
	// gradient puts the gradient at y, [n, 2], into grad, with affinities
	// multiplied by exaggeration.
	gradient(ctx context.Context, y, grad []float64, exaggeration float64) error
	// divergence is the Kullback-Leibler divergence at y, without exaggeration.
	divergence(ctx context.Context, y []float64) (float64, error)
}

func newObjective(ctx context.Context, crew crew, x Points, c Config) (objective, error) {
	if c.Method == Exact {
		return newExact(ctx, crew, x, c.Perplexity)
	}
	return newBarnesHut(ctx, crew, x, c)
}

// Descent's constants are scikit-learn's.
const (
	checkEvery = 50   // iterations
	patience   = 300  // iterations without progress
	minGrad    = 1e-7 // norm of the gradient at which nothing moves any more
	minGain    = 0.01
)

// descend moves m.Y downhill: 250 iterations at momentum 0.5 with exaggerated
// affinities, which gather the clusters, then momentum 0.8. Each coordinate has
// a gain that grows while its direction holds (Jacobs 1988, as in van der Maaten
// and Hinton 2008, section 3.4).
func descend(ctx context.Context, m *Map, o objective, c Config) error {
	grad := make([]float64, len(m.Y))
	update := make([]float64, len(m.Y))
	gains := make([]float64, len(m.Y))
	best, bestAt := math.Inf(1), 0
	momentum, exaggeration := 0.5, c.EarlyExaggeration
	for it := range c.Iterations {
		if it == 0 || it == exploring {
			// The second part begins afresh, as in scikit-learn.
			clear(update)
			for i := range gains {
				gains[i] = 1
			}
			best, bestAt = math.Inf(1), it
		}
		if it == exploring {
			momentum, exaggeration = 0.8, 1
		}
		if err := o.gradient(ctx, m.Y, grad, exaggeration); err != nil {
			return err
		}
		norm := 0.0
		for i, g := range grad {
			if update[i]*g < 0 {
				gains[i] += 0.2
			} else {
				gains[i] = max(minGain, gains[i]*0.8)
			}
			g *= gains[i]
			norm += g * g
			update[i] = momentum*update[i] - c.LearningRate*g
			m.Y[i] += update[i]
		}
		m.Iterations = it + 1
		if (it+1)%checkEvery != 0 && it+1 != c.Iterations {
			continue
		}
		var err error
		if m.KL, err = o.divergence(ctx, m.Y); err != nil {
			return err
		}
		if c.Progress != nil {
			c.Progress(it+1, c.Iterations, m.KL)
		}
		if it < exploring {
			continue
		}
		if m.KL < best {
			best, bestAt = m.KL, it
		} else if it-bestAt > patience {
			break
		}
		if math.Sqrt(norm) <= minGrad {
			break
		}
	}
	return nil
}
