package train

import (
	"opencarbon/data/fault"
	"opencarbon/torch"
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
