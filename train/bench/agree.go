package bench

import (
	"context"
	"fmt"
	"io"
	"math"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/torch"
)

// agreeSteps is how many steps are compared. Rounding alone grows by a factor of
// some ten every ten steps of Adam.
const agreeSteps = 10

// Agreement is how far a device and precision are from the CPU in float32, from
// the same weights on the same batches.
type Agreement struct {
	Device    string  `json:"device"`
	Precision string  `json:"precision"`
	First     float64 `json:"first"`       // relative difference of the first loss
	Worst     float64 `json:"worst"`       // of the losses of all steps
	Predicted float64 `json:"predictions"` // largest difference of predicted ln emission, untrained
	Limit     float64 `json:"limit"`       // of First and Predicted
	Later     float64 `json:"later_limit"` // of Worst
}

// limits of what rounding may do: convolutions of a GPU in TF32 keep 10 bits, and
// bfloat16 keeps 7.
var limits = map[string][2]float64{"fp32": {5e-3, 0.05}, "bf16": {0.05, 0.2}}

// Agree compares the device and precision of s with the CPU in float32. The data
// are made in dir. Numbers farther off than rounding explains are a *fault.Input
// error beside the agreement.
func Agree(ctx context.Context, s Spec, dir string) (*Agreement, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := s.Make(ctx, dir); err != nil {
		return nil, err
	}
	if s.Precision == "bf16" && !torch.FastBFloat16(torch.ParseDevice(s.Device)) {
		return nil, fault.New("--precision", "bf16 is what this processor does not compute in (it has no AVX-512)", "Compare in fp32, or on a GPU.")
	}
	plain := s
	plain.Device, plain.Precision, plain.NCHW, plain.DensePOIs = "cpu", "fp32", false, false
	want, from, err := plain.steps(ctx)
	if err != nil {
		return nil, err
	}
	have, at, err := s.steps(ctx)
	if err != nil {
		return nil, err
	}
	l := limits[s.Precision]
	a := &Agreement{Device: s.Device, Precision: s.Precision, Limit: l[0], Later: l[1]}
	off := func(x, y float64) float64 {
		if d := math.Abs(x-y) / math.Max(1e-12, math.Abs(y)); !math.IsNaN(d) {
			return d
		}
		return math.Inf(1)
	}
	a.First = off(have[0], want[0])
	for i := range want {
		a.Worst = max(a.Worst, off(have[i], want[i]))
	}
	for i := range from {
		if d := math.Abs(at[i] - from[i]); d > a.Predicted || math.IsNaN(d) {
			a.Predicted = d
		}
	}
	if !(a.First <= a.Limit && a.Predicted <= a.Limit && a.Worst <= a.Later) {
		return a, fault.New("--agree", fmt.Sprintf("%s in %s is not the CPU in fp32: the first loss is off by %.2g, predictions by %.2g (limit %g), later losses by %.2g (limit %g)",
			a.Device, a.Precision, a.First, a.Predicted, a.Limit, a.Worst, a.Later), "Do not train there before the reason is known; --nchw, --dense-pois and another --precision narrow it down.")
	}
	return a, nil
}

// steps are the losses of the first steps, a cell each, and what the untrained
// network predicts.
func (s Spec) steps(ctx context.Context) (losses, predicted []float64, err error) {
	data, err := store.Open(s.Store)
	if err != nil {
		return nil, nil, err
	}
	defer data.Close()
	var failed error
	if err := torch.Run(torch.Options{Threads: s.Threads}, func() { losses, predicted, failed = s.train(ctx, data) }); err != nil {
		return nil, nil, err
	}
	return losses, predicted, failed
}

func (s Spec) train(ctx context.Context, data *store.Store) (losses, predicted []float64, err error) {
	r, err := s.assemble(data, nil)
	if err != nil {
		return nil, nil, err
	}
	defer r.close()
	r.Model.Params().Train()
	if predicted, err = r.Evaluate(ctx, r.cells, nil, nil); err != nil {
		return nil, nil, err
	}
	for epoch := 0; len(losses) < agreeSteps; epoch++ {
		if err := r.BeginEpoch(ctx, r.cells, epoch); err != nil {
			return nil, nil, err
		}
		batches := r.sampler.Epoch(epoch)
		batches = batches[:min(agreeSteps-len(losses), len(batches))]
		feed := r.NewFeed(batches, epoch)
		r.Model.Params().Train()
		for range batches {
			b := feed.Next()
			if err = r.Step(b, true); err == nil {
				var sum float64
				var n int
				if sum, n, err = r.Collect(); err == nil {
					losses = append(losses, sum/float64(n))
				}
			}
			feed.Done(b)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				feed.Close()
				return nil, nil, err
			}
		}
		feed.Close()
	}
	return losses, predicted, nil
}

// Print says it in a line.
func (a *Agreement) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s in %s beside the CPU in fp32: first loss off by %.2g, predictions by %.2g, %d losses by %.2g at most\n",
		a.Device, a.Precision, a.First, a.Predicted, agreeSteps, a.Worst)
	return err
}
