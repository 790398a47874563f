package train

import (
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/config"
	"opencarbon/train/learn"
)

// learnOptions are a config's options of training.
func learnOptions(c *config.Config) learn.Options {
	// Without fast bfloat16 a model trained in it predicts in float32, which differs by rounding; training is refused (CheckPrecision).
	bf16 := c.Train.Precision == "bf16" && torch.FastBFloat16(torch.ParseDevice(c.Train.Device))
	o := learn.Options{Encode: c.Train.Encode, BF16: bf16, Alpha: c.Train.Alpha, Temperature: c.Model.Temperature,
		ClipNorm: c.Train.ClipNorm, Batch: c.Train.BatchSize, Seed: uint64(c.Seed), Augment: c.Train.Augment == "d4", EMA: c.Train.EMA}
	if c.Train.Pretrain != "none" {
		o.Pretrain = layers.Pretraining{How: c.Train.Pretrain, Epochs: c.Train.PretrainEpochs, Batch: max(2, c.Train.BatchSize), Rate: c.Train.LearningRate, Temperature: c.Model.Temperature}
	}
	if c.Train.Parts > 1 {
		o.Parts = c.Train.Parts
	}
	if c.Train.Loss == "huber" {
		o.Huber = c.Train.HuberDelta
	}
	return o
}

// contrastive reports whether the contrastive term is on in an epoch (from 0).
func contrastive(c *config.Config, epoch int) bool {
	first := c.Train.ContrastiveWarmupEpochs
	if c.Model.Published() {
		first++ // the published program asks for epoch > 100
	}
	return c.Model.Contrastive && c.Model.HasImage() && c.Model.HasPOI() && c.Train.Alpha > 0 && epoch >= first
}
