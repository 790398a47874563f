package train

import (
	"opencarbon/data/fault"
	"opencarbon/torch"
	"opencarbon/train/config"
)

// CheckDevice refuses what is no device, or none of this machine, as a
// *fault.Input error: auto, cpu, cuda and cuda:N are known, "" is auto.
func CheckDevice(name string) error {
	err := torch.Run(torch.Options{}, func() { torch.ParseDevice(name) })
	if e, ok := torch.AsError(err); ok {
		return fault.New("device", e.Message, "")
	}
	return err
}

// CheckPrecision refuses to train in bfloat16 where the device would only imitate
// it, as a *fault.Input error: nine minutes and more for what takes 16 s.
func CheckPrecision(c *config.Config) (err error) {
	if c.Train.Precision != "bf16" {
		return nil
	}
	fast := true
	if e := torch.Run(torch.Options{}, func() { fast = torch.FastBFloat16(torch.ParseDevice(c.Train.Device)) }); e != nil {
		return e
	}
	if fast {
		return nil
	}
	return fault.New("train.precision", "is bf16, which this processor does not compute in (it has no AVX-512, or oneDNN is held below it): it would be far slower than fp32",
		"Set train.precision: fp32, or train on a GPU.")
}
