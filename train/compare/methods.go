package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/train"
	"opencarbon/train/config"
	"opencarbon/train/method"
	"opencarbon/train/tabular"
)

// network is a way to predict that is a network: its name, what it is, and what it
// changes in the config.
type network struct {
	name, about string
	change      func(*config.Config)
}

// networks are the variants of OpenCarbon and the rivals that can take part.
var networks = []network{
	{"opencarbon", "the network as the config has it", func(*config.Config) {}},
	{"paper", "the paper's equations alone", func(c *config.Config) { c.SetVariant("paper") }},
	{"frozen", "the image seen by its features alone", func(c *config.Config) { c.Model.ImageEncoder = "frozen" }},
	{"resnet18", "an encoder of images is trained", func(c *config.Config) { c.Model.ImageEncoder = "resnet18" }},
	{"encoder-none", "a pretrained encoder of images (image_weights) of which the last layer is trained", tuned("none")},
	{"encoder-last", "a pretrained encoder of images of which the last stage is trained", tuned("last")},
	{"encoder-all", "a pretrained encoder of images that is trained whole", tuned("all")},
	{"simclr", "an encoder of images that begins with crops of all tiles, without targets", pretrained("simclr")},
	{"contrastive", "encoders that begin with images and POIs of all tiles, without targets", pretrained("contrastive")},
	{"folds", "network and simple methods, once for each of 5 folds of training and validation cells (train.folds)", func(c *config.Config) { c.Train.Folds = max(5, c.Train.Folds) }},
	{"refit", "trained once more, on training and validation cells", func(c *config.Config) { c.Train.Refit = true }},
	{"no-se", "without squeeze-and-excitation", func(c *config.Config) { c.Model.SE = false }},
	{"no-contrastive", "without contrastive loss", func(c *config.Config) { c.Model.Contrastive = false }},
	{"no-neighborhood", "without neighborhood", func(c *config.Config) { c.Model.Neighborhood = 1 }},
	{"no-augment", "tiles as they are", func(c *config.Config) { c.Train.Augment = "none" }},
	{"color", "images in other colors as well, in training (train.augment_color)", func(c *config.Config) { c.Train.AugmentColor = max(0.1, c.Train.AugmentColor) }},
	{"no-statistics", "without image statistics", func(c *config.Config) { c.Model.Statistics = false }},
	{"no-log-counts", "without ln counts", func(c *config.Config) { c.Model.LogCounts = false }},
	{"no-wide", "no features of cell and surroundings beside the encoders", func(c *config.Config) { c.Model.Wide = false }},
	{"no-ema", "weights not averaged", func(c *config.Config) { c.Train.EMA = 0 }},
}

// tuned starts an encoder of images from given weights, or from those that the
// config keeps for features, and trains a part of it.
func tuned(part string) func(*config.Config) {
	return func(c *config.Config) {
		if c.Model.ImageWeights == "" {
			c.Model.ImageWeights, c.Model.ImageFeatures = c.Model.ImageFeatures, ""
		}
		c.Model.ImageEncoder, c.Model.ImageTrained = "resnet18", part
	}
}

func pretrained(how string) func(*config.Config) {
	return func(c *config.Config) { c.Model.ImageEncoder, c.Train.Pretrain = "resnet18", how }
}

func init() { // the rivals, with settings of their own whatever those of OpenCarbon
	for _, r := range config.Rivals() {
		networks = append(networks, network{r.Title, r.About, func(c *config.Config) { c.SetVariant(r.Variant) }})
	}
}

// Ablations are the rows that take parts out of the network.
func Ablations() (names []string) {
	for _, n := range networks {
		if strings.HasPrefix(n.name, "no-") {
			names = append(names, n.name)
		}
	}
	return names
}

// Default are the rows of a comparison where nobody names any.
func Default() []string {
	names := []string{"opencarbon", "paper"}
	for _, m := range simple {
		if !m.slow {
			names = append(names, m.name)
		}
	}
	return append(names, "mean")
}

// Methods lists all names and what they are.
func Methods() (names, about []string) {
	for _, n := range networks {
		names, about = append(names, n.name), append(about, n.about)
	}
	for _, m := range simple {
		names, about = append(names, m.name), append(about, m.about)
	}
	for _, l := range levers {
		names, about = append(names, l.name), append(about, "the network with "+l.about)
	}
	return append(names, "mean"), append(about, "the mean of the training cells")
}

// Entries makes the named methods for a config.
func Entries(c *config.Config, names []string) ([]Entry, error) {
	var out []Entry
	for _, name := range names {
		e, err := entry(c, known(name))
		if err != nil {
			return nil, err
		}
		for _, o := range out {
			if o.Name == e.Name {
				return nil, fault.New("--methods", fmt.Sprintf("names %s twice", name), "Name each method once.")
			}
			if o.Key == e.Key && o.Method != nil && e.Method != nil {
				e.Method, e.Why = nil, "its settings are those of the row "+o.Name
			}
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, fault.New("--methods", "names no method", "Leave it away, or name some.")
	}
	return out, nil
}

// known is the name of a method as it is written here, whatever its case and the
// spaces around it.
func known(name string) string {
	all, _ := Methods()
	if strings.EqualFold(strings.TrimSpace(name), "no-augmentation") {
		return "no-augment"
	}
	for _, n := range all {
		if strings.EqualFold(n, strings.TrimSpace(name)) {
			return n
		}
	}
	return name
}

func entry(c *config.Config, name string) (Entry, error) {
	for _, m := range simple {
		if m.name == name {
			return Entry{Name: name, Key: fmt.Sprintf("%s of {Images:%v POIs:%v}%s", m.about, c.Model.HasImage(), c.Model.HasPOI(), c.Model.ImageFeatures), Method: tabularMethod{m.method, c}, Fixed: m.fixed}, nil
		}
	}
	if name == "mean" {
		return Entry{Name: name, Key: name, Method: mean{}, Fixed: true}, nil
	}
	for _, n := range append(slices.Clone(networks), levers...) {
		if n.name != name {
			continue
		}
		changed := *c
		n.change(&changed)
		keyed := changed
		keyed.Seed, keyed.Train.Threads, keyed.Output = 0, 0, config.Output{}
		key, err := keyed.YAML()
		if err != nil {
			return Entry{}, err
		}
		e := Entry{Name: name, Key: string(key), Method: train.Network{Config: &changed}}
		e.Seen = name == "folds" || name == "refit"
		if name == "folds" {
			e.Method = train.Crossfit{Config: &changed}
		}
		if e.Why = lacks(c, name); e.Why != "" {
			e.Method = nil
		}
		if strings.HasPrefix(name, "encoder-") && changed.Model.ImageWeights == "" {
			e.Method, e.Why = nil, "there are no weights to begin with: give model.image_weights (preset:imagenet)"
		}
		if changed.Model.ImageEncoder == "resnet18" && !c.Model.HasImage() && name != "opencarbon" {
			e.Method, e.Why = nil, "the config has no images"
		}
		if name == "contrastive" && !c.Model.HasPOI() {
			e.Method, e.Why = nil, "the config has no points of interest to compare images with"
		}
		return e, nil
	}
	all, _ := Methods()
	return Entry{}, fault.New("--methods", fmt.Sprintf("%q is unknown", name), "Use some of "+strings.Join(all, ", ")+".")
}

// lacks says what of a row of the network's parts the config has not, so that it
// would be the network as it is; empty: nothing.
func lacks(c *config.Config, name string) string {
	m := c.Model
	switch {
	case (name == "frozen" || name == "no-statistics" || name == "color") && !m.HasImage():
		return "the config has no images"
	case name == "no-log-counts" && !m.HasPOI():
		return "the config has no points of interest"
	case name == "no-contrastive" && !(m.Contrastive && m.HasImage() && m.HasPOI()):
		return "the config has no contrastive loss"
	}
	for _, has := range []struct {
		name string
		part bool
	}{{"no-se", m.SE}, {"no-neighborhood", m.Neighborhood > 1}, {"no-augment", c.Train.Augment != "none"}, {"no-statistics", m.Statistics},
		{"no-log-counts", m.LogCounts}, {"no-wide", m.Wide}, {"no-ema", c.Train.EMA > 0}} {
		if has.name == name && !has.part {
			return "the config has no such part"
		}
	}
	return ""
}

// Parted is a named method taken apart for a study that leaves checkpoints: the
// experiment that trains it and, of a method that sees a cell as a row of numbers,
// that method. What cannot take part is a *fault.Input error about the flag where the
// method was named.
func Parted(flag string, c *config.Config, name string) (*config.Config, tabular.Method, error) {
	e, err := entry(c, known(name))
	if err != nil {
		return nil, nil, err
	}
	switch m := e.Method.(type) {
	case nil:
		return nil, nil, fault.New(flag, name+" cannot take part: "+e.Why, "Leave it out.")
	case train.Network:
		return m.Config, nil, nil
	case tabularMethod:
		return m.config, m.Method, nil
	}
	return nil, nil, fault.New(flag, name+" leaves no model that could be applied elsewhere", "Leave it out.")
}

// mean predicts the mean of the training cells everywhere.
type mean struct{}

type fittedMean float64

func (mean) Fit(_ context.Context, d *method.Dataset, _ method.Options) (method.Fitted, error) {
	sum := 0.0
	for _, c := range d.Train {
		sum += d.Ln[c] / float64(len(d.Train))
	}
	return fittedMean(sum), nil
}

func (m fittedMean) Predict(_ context.Context, _ *method.Dataset, cells []int32) ([]float64, error) {
	out := make([]float64, len(cells))
	for i := range out {
		out[i] = float64(m)
	}
	return out, nil
}

func (fittedMean) Save(string) error {
	return fmt.Errorf("the mean is a measure to compare with, and is not saved")
}

func (m fittedMean) About() string {
	return fmt.Sprintf("mean ln emission of the training cells, %.3f", float64(m))
}
