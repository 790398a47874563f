package train

import (
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/config"
	"opencarbon/train/learn"
)

// learnOptions are a config's options of training.
func learnOptions(c *config.Config) learn.Options {
	o := learn.Options{Encode: c.Train.Encode, BF16: c.Train.Precision == "bf16", Alpha: c.Train.Alpha, Temperature: c.Model.Temperature,
		ClipNorm: c.Train.ClipNorm, Batch: c.Train.BatchSize, Seed: uint64(c.Seed), Augment: c.Train.Augment == "d4"}
	if c.Train.Loss == "huber" {
		o.Huber = c.Train.HuberDelta
	}
	return o
}

// loss is the loss (Eq. 7-8) in an epoch, counted from 0.
func loss(c *config.Config, epoch int, o layers.Output, target *torch.Tensor) *torch.Tensor {
	return learn.Loss(learnOptions(c), c.Model.Variant == "reference", contrastive(c, epoch), o, target)
}

// contrastive reports whether the contrastive term is on in an epoch (from 0).
func contrastive(c *config.Config, epoch int) bool {
	first := c.Train.ContrastiveWarmupEpochs
	if c.Model.Variant == "reference" {
		first++ // the published program asks for epoch > 100
	}
	return c.Model.Contrastive && c.Model.HasImage() && c.Model.HasPOI() && c.Train.Alpha > 0 && epoch >= first
}
