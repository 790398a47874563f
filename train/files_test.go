package train

import (
	"io"

	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/atomicfile"
)

// writeArrays and writeTree write the files that tests begin with.
func writeArrays(path string, f safetensors.File) error {
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, f) })
}

func writeTree(path string, root any) error {
	return atomicfile.Write(path, func(w io.Writer) error { return pth.Write(w, root) })
}
