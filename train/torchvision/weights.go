// Package torchvision reads torchvision's weights of a ResNet-18, and gives them to
// the encoders of images of a network.
package torchvision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/learn"
	"opencarbon/train/pytorch"
)

// imageEncoders are where the network keeps its ResNet-18, prefixes of names: one
// or more, none without images.
func imageEncoders(m learn.Network) (prefixes []string) {
	for _, e := range m.Params().Entries() {
		if prefix, ok := strings.CutSuffix(e.Name, "conv1.weight"); ok && strings.HasSuffix(prefix, "image_encoder.") {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

const remedy = "Give torchvision's resnet18-5c106cde.pth or resnet18-f37072fd.pth, such weights as .safetensors, preset:imagenet for the file that torchvision keeps in ~/.cache/torch/hub/checkpoints, or leave the key empty."

// ImageNet as a path of weights is torchvision's file in PyTorch's own cache.
const ImageNet = "preset:imagenet"

// torchvision names its files of weights after the first digits of their SHA-256.
var torchvisionName = regexp.MustCompile(`^resnet18-([0-9a-f]{8})\.(pth|safetensors)$`)

// Read reads the weights of a ResNet-18 by torchvision's names and the
// SHA-256 of their file. A file that bears a hash in its name and has another one
// is damaged, and refused; one without is taken as it is. key is that of the config,
// for errors, which are *fault.Input.
func Read(key, path string) (map[string]safetensors.Array, string, error) {
	if path == ImageNet {
		var err error
		if path, err = cached(); err != nil {
			return nil, "", fault.Wrap(err, key, "preset:imagenet was not found", remedy)
		}
	}
	refuse := func(err error) error {
		return fault.Wrap(err, key, "cannot be used ("+path+")", remedy)
	}
	if err := regular.Check(path); err != nil {
		return nil, "", refuse(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", refuse(err)
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	f.Close()
	if err != nil {
		return nil, "", refuse(err)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if m := torchvisionName.FindStringSubmatch(filepath.Base(path)); m != nil && strings.HasSuffix(path, ".pth") && !strings.HasPrefix(sum, m[1]) {
		return nil, "", refuse(fmt.Errorf("its SHA-256 begins with %s, not with %s as its name says: the download is damaged", sum[:8], m[1]))
	}
	if strings.HasSuffix(path, ".safetensors") {
		file, err := safetensors.ReadFile(path)
		if err != nil {
			return nil, "", refuse(err)
		}
		return file.Arrays, sum, nil
	}
	file, err := pytorch.ReadFile(path)
	if err != nil {
		return nil, "", refuse(err)
	}
	_, arrays, err := pth.StateDict(file.Root)
	if err != nil {
		return nil, "", refuse(err)
	}
	return arrays, sum, nil
}

// cached finds torchvision's weights where PyTorch keeps its downloads.
func cached() (string, error) {
	root := os.Getenv("TORCH_HOME")
	if root == "" {
		base := os.Getenv("XDG_CACHE_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", err
			}
			base = filepath.Join(home, ".cache")
		}
		root = filepath.Join(base, "torch")
	}
	for _, name := range []string{"resnet18-f37072fd.pth", "resnet18-5c106cde.pth"} {
		path := filepath.Join(root, "hub", "checkpoints", name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no resnet18-f37072fd.pth in %s", filepath.Join(root, "hub", "checkpoints"))
}

// Load fills the image encoders of a network with the weights of a file
// (resnet18-5c106cde.pth and resnet18-f37072fd.pth are torchvision's of ImageNet);
// none without a path. The classifier fc is dropped: the model has a last layer of
// its own.
func Load(m learn.Network, path string) error {
	if path == "" {
		return nil
	}
	if !m.Config().Image {
		return fault.New("model.image_weights", "is given, but the image modality is off", "Remove it, or add image to model.modalities.")
	}
	arrays, _, err := Read("model.image_weights", path)
	if err != nil {
		return err
	}
	torch.InScope(func(*torch.Scope) {
		for _, prefix := range imageEncoders(m) {
			values := map[string]*torch.Tensor{}
			for name, a := range arrays {
				if !strings.HasPrefix(name, "fc.") {
					values[name] = torch.FromArray(a)
				}
			}
			if w := values["conv1.weight"]; w != nil && len(w.Shape()) == 4 {
				values["conv1.weight"] = layers.WidenFilters(w, m.Config().ImageInput().Bands)
			}
			for _, e := range m.Params().Entries() { // what the file may leave out: our own last layer, and counters of old files
				name, ours := strings.CutPrefix(e.Name, prefix)
				if ours && values[name] == nil && (strings.HasPrefix(name, "fc.") || strings.HasSuffix(name, ".num_batches_tracked")) {
					values[name] = e.Tensor
				}
			}
			if err = m.Params().Load(prefix, values, true); err != nil {
				err = fault.Wrap(err, path, "is no ResNet-18", remedy)
				return
			}
		}
	})
	return err
}
