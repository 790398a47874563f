package layers

import (
	"fmt"

	"opencarbon/torch"
)

// POIEncoderConfig describes a POIEncoder.
type POIEncoderConfig struct {
	Categories int    // C, input channels
	Embedding  int    // m
	Size       int    // H = W in pixels
	Kernel     string // "k7" or "k37"
	SE         bool   // squeeze-and-excitation before each convolution
	SERatio    int    // its compression ratio n
	Published  bool   // as in the published program: gates behind the convolutions (OutputGate), which have no bias
}

// POIEncoder is the POI branch of section 4.1: convolutions, each preceded by
// a squeeze-and-excitation gate on its input channels.
type POIEncoder struct {
	se    []*SqueezeExcitation // before each convolution; nil without SE
	gates []*OutputGate        // the published program's, after all but the last; nil without
	convs []*Conv2d
	bns   []*BatchNorm // after all convolutions but the last
	fc    *Linear
}

// poiConvs lists the convolutions of each kind of encoder.
func poiConvs(kind string, categories int) ([]Conv2dConfig, error) {
	switch kind {
	case "k7":
		return []Conv2dConfig{
			{In: categories, Out: 32, Kernel: 7, Stride: 3, Padding: 3},
			{In: 32, Out: 32, Kernel: 7, Stride: 3, Padding: 1},
			{In: 32, Out: 1, Kernel: 3, Stride: 3, Padding: 1},
		}, nil
	case "k37":
		return []Conv2dConfig{
			{In: categories, Out: 32, Kernel: 37, Stride: 3, Padding: 3, NoBias: true},
			{In: 32, Out: 1, Kernel: 37, Stride: 3, Padding: 1},
		}, nil
	}
	return nil, fmt.Errorf("POI encoder %q is unknown; use k7 or k37", kind)
}

// NewPOIEncoder registers the encoder under p, or says why the configuration
// cannot be built (an image too small for the kernels).
func NewPOIEncoder(p Path, c POIEncoderConfig) (*POIEncoder, error) {
	convs, err := poiConvs(c.Kernel, c.Categories)
	if err != nil {
		return nil, err
	}
	e := &POIEncoder{}
	edge := c.Size
	for i, conv := range convs {
		conv.NoBias = conv.NoBias || c.Published
		if edge = conv.OutSize(edge); edge < 1 {
			return nil, fmt.Errorf("tiles of %d pixels are too small for POI encoder %s; use k7, or larger tiles (data.imagery.size)",
				c.Size, c.Kernel)
		}
		if c.SE && !c.Published {
			e.se = append(e.se, NewSqueezeExcitation(p.Sub(fmt.Sprint("se", i+1)), conv.In, c.SERatio))
		}
		e.convs = append(e.convs, NewConv2d(p.Sub(fmt.Sprint("fc", i+1)), conv))
		if i < len(convs)-1 {
			e.bns = append(e.bns, NewBatchNorm(p.Sub(fmt.Sprint("bn", i+1)), conv.Out))
			if c.SE && c.Published {
				e.gates = append(e.gates, NewOutputGate(p.Sub(fmt.Sprint("se", i+1)), conv.Out, c.SERatio))
			}
		}
	}
	e.fc = NewLinear(p.Sub("fc"), LinearConfig{In: edge * edge, Out: c.Embedding})
	return e, nil
}

// Encode maps the POIs of U tiles, sparse or dense, to X_p [U, m]; nil where
// there are none.
func (e *POIEncoder) Encode(t Tiles) *torch.Tensor {
	switch {
	case t.Points != nil:
		return e.ForwardPoints(t.Points)
	case t.POIs != nil:
		return e.Forward(t.POIs)
	}
	return nil
}

// Forward maps POI counts x [U, C, H, W] to X_p [U, m].
func (e *POIEncoder) Forward(x *torch.Tensor) *torch.Tensor {
	if e.se != nil {
		x = e.se[0].Forward(x)
	}
	return e.rest(e.convs[0].Forward(x))
}

// ForwardPoints is Forward for sparse counts, equal but for rounding: what the
// first convolution makes of a few points is computed from the points alone.
func (e *POIEncoder) ForwardPoints(p *torch.Points) *torch.Tensor {
	counts := p.Count
	if e.se != nil {
		counts = p.Scaled(e.se[0].Excite(p.ChannelMean())) // Eq. 1-3
	}
	c := e.convs[0]
	return e.rest(p.Conv2d(counts, c.Weight, c.Bias, c.o.Stride[0], c.o.Padding[0]))
}

// rest is everything behind the first convolution; x [U, 32, H', W'] is its
// output.
func (e *POIEncoder) rest(x *torch.Tensor) *torch.Tensor {
	c := chain{x: x}
	for i := range e.convs {
		if i > 0 {
			if e.se != nil {
				c.then(e.se[i].Forward)
			}
			c.then(e.convs[i].Forward) // k7 at 256 px: [U, 32, 86, 86] so far, then [U, 32, 28, 28], [U, 1, 10, 10]
		}
		if i < len(e.bns) {
			c.then(func(x *torch.Tensor) *torch.Tensor { return e.bns[i].Forward(x).ReLUInPlace() })
			if e.gates != nil {
				c.then(e.gates[i].Forward)
			}
		}
	}
	return e.fc.Forward(c.x.Flatten(1, -1)) // [U, m]
}

// CategoryGate returns the first gate's weights [U, C] for the POIs of U tiles:
// how much each function counts. It is nil without squeeze-and-excitation, and
// in the published program, whose gates know no categories.
func (e *POIEncoder) CategoryGate(t Tiles) *torch.Tensor {
	switch {
	case e.se == nil:
		return nil
	case t.Points != nil:
		return e.se[0].Excite(t.Points.ChannelMean())
	default:
		return e.se[0].Gate(t.POIs)
	}
}
