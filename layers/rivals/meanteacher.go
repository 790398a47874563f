package rivals

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"sync"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

// READ's image encoder (Han et al., AAAI 2020) is a ResNet-18 that learns to tell
// urban, rural and uninhabited tiles by a mean teacher: a few tiles have soft
// labels, and on all of them the student must agree with a teacher whose weights
// are the average of its own. Its weights are not public, and neither are its
// labels. Where model.image_weights gives none, the encoder is trained here, on a
// proxy that needs no target: the three classes are made of the region's POI
// density (softLabels). A row of a table made so is READ-like.

// Of the mean teacher: READ's own but for the epochs, of which a region of a
// thousand tiles needs few.
const (
	teacherEpochs = 20
	teacherBatch  = 50
	teacherRamp   = 20   // epochs until the consistency has its full weight
	teacherWeight = 12.5 // that weight
	teacherRate   = 1e-4
	teacherDecay  = 0.999
	classes       = 3
)

// MeanTeacherLoss is READ's for a batch of B tiles: the soft cross-entropy of the
// student's logits [B, 3] with the labels [B, 3], and w times the squared
// difference of the two softmaxes, summed, / 3 / (5 B). A scalar.
func MeanTeacherLoss(student, teacher, labels *torch.Tensor, w float64) *torch.Tensor {
	b := float64(student.Size(0))
	entropy := labels.Mul(student.LogSoftmax(1)).Sum().MulScalar(-1 / b)
	apart := student.Softmax(1).Sub(teacher.Softmax(1)).Square().Sum()
	return entropy.Add(apart.MulScalar(w / classes / (5 * b)))
}

// consistency is the weight w in an epoch.
func consistency(epoch int) float64 {
	if epoch >= teacherRamp {
		return teacherWeight
	}
	r := 1 - float64(epoch)/teacherRamp
	return teacherWeight * math.Exp(-5*r*r)
}

// errNoProxy says that an encoder cannot be trained.
const errNoProxy = layers.Lacking("the image encoder has no weights (model.image_weights), and without points of interest there is nothing that it could be trained on")

// lately holds the encoders of the last few regions and seeds: the networks of a
// comparison share them, and so do its folds, which they do not depend on.
var lately struct {
	sync.Mutex
	names    []string // oldest first
	encoders []map[string]safetensors.Array
}

const mostLately = 6 // of 45 MB each; the five seeds of a comparison, whose methods come one after another, find theirs

// pretrain puts below prefix in p the weights of an encoder that learnt from all
// tiles of a region. It draws from an own random stream, so that what comes after
// does not depend on whether the encoder was at hand.
func pretrain(p *layers.Params, prefix string, c layers.ModelConfig, g layers.Ground) (err error) {
	if len(g.Counts) == 0 {
		return errNoProxy
	}
	name := fmt.Sprintf("%s, seed %d, %v, %v", g.Name, g.Seed, p.Device, p.DType)
	lately.Lock()
	defer lately.Unlock()
	k := slices.Index(lately.names, name)
	if k < 0 {
		state := torch.RNGState(torch.CPU)
		torch.ManualSeed(int64(g.Seed))
		encoder, err := meanTeacher(p, c, g)
		torch.SetRNGState(torch.CPU, state)
		if err != nil {
			return err
		}
		if len(lately.names) == mostLately {
			lately.names, lately.encoders = lately.names[1:], lately.encoders[1:]
		}
		lately.names, lately.encoders = append(lately.names, name), append(lately.encoders, encoder)
		k = len(lately.names) - 1
	}
	torch.InScope(func(*torch.Scope) {
		values := map[string]*torch.Tensor{}
		for name, a := range lately.encoders[k] {
			values[name] = torch.FromArray(a)
		}
		err = p.Load(prefix, values, true)
	})
	return err
}

// meanTeacher trains an encoder by the mean teacher on all tiles of a region; it
// returns the teacher's weights without its last layer.
func meanTeacher(p *layers.Params, c layers.ModelConfig, g layers.Ground) (map[string]safetensors.Array, error) {
	labels := softLabels(g, c.Categories)
	student, teacher := layers.NewParams(p.Device), layers.NewParams(p.Device)
	defer student.Close()
	defer teacher.Close()
	look, judge := newImageEncoder(student.Root(), c, classes), newImageEncoder(teacher.Root(), c, classes)
	teacher.Eval()
	follow(teacher, student, 0)
	adam := torch.NewAdam(student.Parameters(), torch.AdamOptions{LearningRate: teacherRate})
	defer adam.Close()
	r := rand.New(rand.NewPCG(g.Seed, 0x4ead))
	tiles := make([]int32, len(g.Col))
	for i := range tiles {
		tiles[i] = int32(i)
	}
	step := 0
	for epoch := range teacherEpochs {
		r.Shuffle(len(tiles), func(i, j int) { tiles[i], tiles[j] = tiles[j], tiles[i] })
		for at := 0; at+1 < len(tiles); at += teacherBatch { // batch statistics need two tiles
			batch := tiles[at:min(at+teacherBatch, len(tiles))]
			var err error
			torch.InScope(func(*torch.Scope) {
				var t layers.Tiles
				if t, err = g.Load(batch); err != nil {
					return
				}
				var want []float32
				for _, i := range batch {
					want = append(want, labels[classes*i:classes*(i+1)]...)
				}
				var target *torch.Tensor
				torch.NoGrad(func() { target = judge.Forward(turned(t.Images, r)) })
				loss := MeanTeacherLoss(look.Forward(turned(t.Images, r)), target, torch.FromSlice(want, len(batch), classes).To(p.Device), consistency(epoch))
				adam.ZeroGrad()
				loss.Backward()
				adam.Step()
				step++
				follow(teacher, student, min(1-1/float64(step+1), teacherDecay))
			})
			if err != nil {
				return nil, err
			}
		}
	}
	out := map[string]safetensors.Array{}
	for _, e := range teacher.Entries() {
		if !strings.HasPrefix(e.Name, "fc.") {
			torch.InScope(func(*torch.Scope) { out[e.Name] = torch.ToArray(e.Tensor) })
		}
	}
	return out, nil
}

// follow moves the teacher towards the student: decay * teacher + (1 - decay) *
// student, running statistics too, which an averaged network needs of its own.
func follow(teacher, student *layers.Params, decay float64) {
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			from := student.Entries()
			for i, e := range teacher.Entries() {
				if !e.Tensor.DType().IsFloat() {
					e.Tensor.CopyInPlace(from[i].Tensor)
					continue
				}
				e.Tensor.MulScalarInPlace(decay).AddInPlace(from[i].Tensor.MulScalar(1 - decay))
			}
		})
	})
}

// turned lays a batch upon itself in one of the square's eight ways.
func turned(x *torch.Tensor, r *rand.Rand) *torch.Tensor {
	s := r.IntN(8)
	if s&1 != 0 {
		x = x.Flip(2)
	}
	if s&2 != 0 {
		x = x.Flip(3)
	}
	if s&4 != 0 {
		x = x.Transpose(2, 3)
	}
	return x
}

// softLabels are the shares of urban, rural and uninhabited of every tile, [N, 3].
// Tiles are ranked by the POIs of the cell and, half as much, of its 3 x 3
// neighborhood on average: the middle of the upper third is all urban, that of the
// middle third all rural, that of the lower one uninhabited, and between them the
// shares change evenly. A cell without POIs in its 3 x 3 is uninhabited.
func softLabels(g layers.Ground, categories int) []float32 {
	n := len(g.Col)
	total, at := make([]float64, n), map[[2]int64]int{}
	for i := range n {
		at[[2]int64{g.Col[i], g.Row[i]}] = i
		for _, v := range g.Counts[i*categories : (i+1)*categories] {
			total[i] += float64(v)
		}
	}
	density, around, order := make([]float64, n), make([]float64, n), make([]int, n)
	for i := range n {
		cells := 0.0
		for dy := int64(-1); dy <= 1; dy++ {
			for dx := int64(-1); dx <= 1; dx++ {
				if j, ok := at[[2]int64{g.Col[i] + dx, g.Row[i] + dy}]; ok {
					around[i] += total[j]
					cells++
				}
			}
		}
		density[i], order[i] = total[i]+0.5*around[i]/cells, i
	}
	sort.SliceStable(order, func(a, b int) bool { return density[order[a]] < density[order[b]] })
	out := make([]float32, classes*n)
	for rank, i := range order {
		share := out[classes*i : classes*(i+1)] // urban, rural, uninhabited
		if around[i] == 0 {
			share[2] = 1
			continue
		}
		up := 3*(float64(rank)+0.5)/float64(n) - 0.5 // 0, 1, 2 in the middles of the thirds
		switch up = min(max(up, 0), 2); {
		case up <= 1:
			share[2], share[1] = float32(1-up), float32(up)
		default:
			share[1], share[0] = float32(2-up), float32(up-1)
		}
	}
	return out
}
