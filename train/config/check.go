package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"opencarbon/data/fault"
)

// limits of a number: low and high are allowed values unless open.
type limits struct {
	low, high float64
	openLow   bool
}

func (l limits) String() string {
	switch {
	case math.IsInf(l.high, 1) && l.openLow:
		return fmt.Sprintf("more than %g", l.low)
	case math.IsInf(l.high, 1):
		return fmt.Sprintf("%g or more", l.low)
	case l.openLow:
		return fmt.Sprintf("more than %g, at most %g", l.low, l.high)
	}
	return fmt.Sprintf("%g to %g", l.low, l.high)
}

func (l limits) ok(x float64) bool {
	return x <= l.high && (x > l.low || x == l.low && !l.openLow)
}

var inf = math.Inf(1)

// ranges of the numbers of model and train. The data section is checked by
// package data, which knows what its keys mean together.
var ranges = map[string]limits{
	"seed":                            {low: 0, high: inf},
	"model.embedding":                 {low: 1, high: 4096},
	"model.se_ratio":                  {low: 1, high: 1024},
	"model.temperature":               {low: 0, high: 100, openLow: true},
	"model.attention_heads":           {low: 1, high: 64},
	"train.epochs":                    {low: 1, high: 1e6},
	"train.folds":                     {low: 0, high: 10},
	"train.pretrain_epochs":           {low: 1, high: 1e4},
	"train.batch_size":                {low: 2, high: 65536}, // batch normalization needs two
	"train.learning_rate":             {low: 0, high: 10, openLow: true},
	"train.weight_decay":              {low: 0, high: 10},
	"train.momentum":                  {low: 0, high: 0.9999},
	"train.warmup_epochs":             {low: 0, high: 1e6},
	"train.min_learning_rate":         {low: 0, high: 10},
	"train.plateau_factor":            {low: 0, high: 0.9999, openLow: true},
	"train.plateau_patience":          {low: 1, high: 1e6},
	"train.clip_norm":                 {low: 0, high: inf},
	"train.huber_delta":               {low: 0, high: 1000, openLow: true},
	"train.alpha":                     {low: 0, high: 1000},
	"train.contrastive_warmup_epochs": {low: 0, high: 1e6},
	"train.validate_every":            {low: 1, high: 1e6},
	"train.ensemble":                  {low: 1, high: 100},
	"train.ema":                       {low: 0, high: 0.99999},
	"train.augment_color":             {low: 0, high: 1},
	"model.wide_dropout":              {low: 0, high: 0.95},
	"train.patience":                  {low: 0, high: 1e6},
	"train.min_epochs":                {low: 0, high: 1e6},
	"train.block":                     {low: 0, high: 1024},
	"train.threads":                   {low: 0, high: 4096},
	"train.parts":                     {low: 0, high: 64},
	"train.save_every":                {low: 1, high: 1e6},
}

// choices of the text keys of model and train.
var choices = map[string][]string{
	"model.accept":        {"cells", "bands", "unit", "stretch"},
	"model.variant":       variants(),
	"model.modalities":    {"image", "poi"},
	"model.poi_encoder":   {"k7", "k37"},
	"train.optimizer":     {"adam", "adamw", "sgd"},
	"train.schedule":      {"constant", "cosine", "plateau"},
	"train.loss":          {"l1", "huber"},
	"train.target_bias":   {"mean", "none"},
	"train.sampler":       {"random", "blocks"},
	"train.encode":        {"unique", "slices", "historical"},
	"train.augment":       {"d4", "none"},
	"train.stack":         {"ridge", "svr", "xgboost"},
	"train.precision":     {"fp32", "bf16"},
	"model.image_encoder": {"auto", "resnet18", "frozen"},
	"model.image_trained": {"all", "last", "none"},
	"train.pretrain":      {"none", "contrastive", "simclr"},
}

var (
	devices = regexp.MustCompile(`^(auto|cpu|cuda|cuda:(0|[1-9][0-9]?))$`)
	names   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$`)
)

// check refuses values out of range. given says where each value came from.
func check(c *Config, label string, given map[string]leaf) error {
	var problems []problem
	bad := func(key, remedy, format string, args ...any) {
		problems = append(problems, problem{placeOf(key, label, given), key + " " + fmt.Sprintf(format, args...), remedy})
	}
	for _, s := range root.leaves() {
		v := lookup(reflect.ValueOf(c), s.key)
		if l, ok := ranges[s.key]; ok {
			x := 0.0
			if v.CanInt() {
				x = float64(v.Int())
			} else {
				x = v.Float()
			}
			if !l.ok(x) {
				bad(s.key, "", "is %v; allowed: %s", v.Interface(), l)
			}
		}
		if list, ok := choices[s.key]; ok {
			texts, isList := v.Interface().([]string)
			if !isList {
				texts = []string{v.String()}
			}
			for _, t := range texts {
				if !slices.Contains(list, t) {
					bad(s.key, didYouMean(t, list), "is %q; allowed: %s", t, strings.Join(list, ", "))
				}
			}
		}
	}
	m, t := &c.Model, &c.Train
	if !names.MatchString(c.Name) {
		bad("name", "It names a folder: use letters, digits, dot, dash and underscore.", "is %q", c.Name)
	}
	if !slices.Contains([]int{1, 3, 5, 7}, m.Neighborhood) {
		bad("model.neighborhood", "", "is %d; allowed: 1, 3, 5, 7", m.Neighborhood)
	}
	if !devices.MatchString(t.Device) {
		bad("train.device", "", "is %q; allowed: auto, cpu, cuda, cuda:N", t.Device)
	}
	if len(m.Modalities) == 0 {
		bad("model.modalities", "Give [image, poi], [image] or [poi].", "is empty")
	} else if len(m.Modalities) == 2 && m.Modalities[0] == m.Modalities[1] {
		bad("model.modalities", "Give [image, poi], [image] or [poi].", "names %s twice", m.Modalities[0])
	} else if m.Contrastive && len(m.Modalities) == 1 {
		bad("model.contrastive", "Set model.contrastive: false, or give both modalities.",
			"is true, but the contrastive loss compares image and POI embeddings and model.modalities has only %s", m.Modalities[0])
	}
	if m.Published() && t.Encode != "slices" {
		bad("train.encode", "Leave it away, or set it to slices.", "is %s, but the published program encodes in slices", t.Encode)
	}
	if t.Parts > 1 {
		const away = "Leave train.parts away, or "
		if t.Parts&(t.Parts-1) != 0 {
			bad("train.parts", "Give 2, 4, 8, 16, 32 or 64.", "is %d, which is no power of two", t.Parts)
		}
		if t.Threads == 0 {
			bad("train.threads", away+"set train.threads: 1.", "is not given, but train.parts promises the same bits everywhere, which depend on it")
		}
		if t.Encode == "slices" {
			bad("train.parts", away+"set train.encode: unique or historical.", "is %d, but train.encode is slices", t.Parts)
		}
		if t.Precision != "fp32" {
			bad("train.parts", away+"set train.precision: fp32.", "is %d, but train.precision is %s", t.Parts, t.Precision)
		}
		if strings.HasPrefix(t.Device, "cuda") {
			bad("train.parts", away+"set train.device: cpu.", "is %d, but train.device is %s", t.Parts, t.Device)
		}
	}
	if m.Rival() && t.Encode != "unique" {
		bad("train.encode", "Leave it away, or set it to unique.", "is %s, but %s is trained on whole batches", t.Encode, m.Variant)
	}
	if m.Rival() && m.Contrastive {
		bad("model.contrastive", "Leave it away, or set it to false.", "is true, but %s has no such part", m.Variant)
	}
	if m.Published() && t.Augment != "none" {
		bad("train.augment", "Leave it away, or set it to none.", "is %s, but the published program takes tiles as they are", t.Augment)
	}
	if m.Published() && t.AugmentColor > 0 {
		bad("train.augment_color", "Leave it away, or set it to 0.", "is %g, but the published program takes tiles as they are", t.AugmentColor)
	}
	if t.AugmentColor > 0 && !m.HasImage() {
		bad("train.augment_color", "Leave it away, or set it to 0.", "is %g, but model.modalities has no image", t.AugmentColor)
	}
	if m.Variant != "plus" {
		for key, on := range map[string]bool{"model.statistics": m.Statistics, "model.log_counts": m.LogCounts, "model.wide": m.Wide} {
			if on && !(m.Rival() && key == "model.log_counts") {
				bad(key, "Leave it away, or set model.variant: plus.", "is true, but the variant %s has no such part", m.Variant)
			}
		}
	}
	for i, name := range t.Stack {
		if slices.Contains(t.Stack[:i], name) {
			bad("train.stack", "Name each method once.", "names %s twice", name)
		}
	}
	if m.ImageEncoder == "frozen" && (m.Variant != "plus" || !m.Wide) {
		bad("model.image_encoder", "Set model.variant: plus and model.wide: true, or image_encoder: resnet18.", "is frozen, but the features that it sees are off")
	}
	if m.ImageEncoder == "frozen" && m.ImageWeights != "" {
		bad("model.image_weights", "Give the file as model.image_features, or set model.image_encoder: resnet18.", "is given, but no encoder of images is trained")
	}
	if m.ImageTrained != "all" && (m.Variant != "plus" || m.ImageEncoder == "frozen") {
		bad("model.image_trained", "Leave it away, or set model.variant: plus and model.image_encoder: resnet18.", "is %s, but there is no encoder of images of which a part could be trained", m.ImageTrained)
	}
	if m.ImageTrained != "all" && m.ImageWeights == "" && m.Weights == "" {
		bad("model.image_trained", "Give model.image_weights (preset:imagenet), or set it to all.", "is %s, but the rest of the encoder would keep random weights", m.ImageTrained)
	}
	if t.Pretrain != "none" {
		switch {
		case m.Variant != "plus" && m.Variant != "paper" || m.ImageEncoder == "frozen" || !m.HasImage():
			bad("train.pretrain", "Set it to none, or model.variant: plus, model.image_encoder: resnet18 and the image modality.", "is %s, but there is no encoder of images to pretrain", t.Pretrain)
		case m.ImageTrained != "all":
			bad("train.pretrain", "Set model.image_trained: all, or train.pretrain: none.", "is %s, but a part of the encoder of images is not trained", t.Pretrain)
		case m.Weights != "":
			bad("train.pretrain", "Set it to none, or leave model.weights away.", "is %s, but model.weights gives trained encoders", t.Pretrain)
		case t.Pretrain == "contrastive" && !m.HasPOI():
			bad("train.pretrain", "Set it to simclr, or add poi to model.modalities.", "is contrastive, which compares images with POIs, but the POI modality is off")
		}
	}
	if t.Folds == 1 || t.Folds == 2 {
		bad("train.folds", "Give 3 or more, or 0 for none.", "is %d: with so few folds a model sees half of the cells", t.Folds)
	}
	if t.Refit && t.Schedule == "plateau" {
		bad("train.refit", "Set train.schedule: constant or cosine, or train.refit: false.", "is on, but the plateau schedule looks at validation cells, of which a refit has none")
	}
	if m.ImageFeatures != "" && !m.HasImage() {
		bad("model.image_features", "Leave it empty, or add image to model.modalities.", "is given, but the image modality is off")
	}
	if m.Published() && t.EMA > 0 {
		bad("train.ema", "Leave it away, or set it to 0.", "is %g, but the published program does not average its weights", t.EMA)
	}
	if t.MinLearningRate > t.LearningRate {
		bad("train.min_learning_rate", "", "is %g, above train.learning_rate %g", t.MinLearningRate, t.LearningRate)
	}
	if t.WarmupEpochs >= t.Epochs && t.WarmupEpochs > 0 && t.Epochs > 0 {
		bad("train.warmup_epochs", "Lower it, or raise train.epochs.", "is %d of %d epochs: the rate would never arrive", t.WarmupEpochs, t.Epochs)
	}
	if t.ValidateEvery > t.Epochs && t.Epochs > 0 {
		bad("train.validate_every", "Lower it, or raise train.epochs.", "is %d, but there are %d epochs: no validation would ever choose the best weights", t.ValidateEvery, t.Epochs)
	}
	if c.Output.Dir == "" {
		bad("output.dir", "For example: runs.", "is empty")
	}
	if len(problems) > 0 {
		return asFault(label, problems)
	}
	return located(c.Data.Normalize(c.Name, ""), label, given)
}

// located adds file and line to an error of package data whose Where is a key.
func located(err error, label string, given map[string]leaf) error {
	var in *fault.Input
	if err == nil || !errors.As(err, &in) {
		return err
	}
	key := in.Where
	if root.find(key) == nil {
		return err
	}
	return fault.Wrap(in.Err, placeOf(key, label, given), key+" "+in.What, in.Remedy)
}

// placeOf says where the value of a key came from; a default's place is the
// source, in which it should be given.
func placeOf(key, label string, given map[string]leaf) string {
	if l, ok := given[key]; ok {
		return l.where
	}
	return label
}

func didYouMean(text string, list []string) string {
	best, cost := "", 3
	for _, s := range list {
		if d := distance(strings.ToLower(text), s); d < cost {
			best, cost = s, d
		}
	}
	if best == "" {
		return ""
	}
	return "Did you mean " + best + "?"
}
