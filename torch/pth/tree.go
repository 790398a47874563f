package pth

import (
	"fmt"
	"slices"
	"strings"

	"opencarbon/torch/pickle"
	"opencarbon/torch/safetensors"
)

// Wrappers are the keys under which programs keep a model's state dict in a
// larger checkpoint, in the order in which they are looked for.
var wrappers = []string{"model_state_dict", "state_dict", "model"}

// StateDict returns a checkpoint's parameters and buffers: those under
// model_state_dict, state_dict or model, or the tree itself. A prefix
// "module." that all names have (DataParallel) is taken off. The names come in
// the file's order.
func StateDict(root any) (names []string, arrays map[string]safetensors.Array, err error) {
	if f, ok := root.(*File); ok {
		root = f.Root
	}
	dict, ok := root.(*Dict)
	if !ok {
		return nil, nil, fmt.Errorf("the checkpoint holds %s, not a state dict; save it with torch.save(model.state_dict(), path)", pickle.TypeName(root))
	}
	for _, key := range wrappers {
		if v, ok := dict.Get(key); ok {
			if inner, ok := v.(*Dict); ok {
				dict = inner
				break
			}
		}
	}
	arrays = make(map[string]safetensors.Array, len(dict.Entries))
	prefixed := 0
	for _, e := range dict.Entries {
		name, ok := e.Key.(string)
		t, okT := e.Value.(*Tensor)
		if !ok || !okT {
			return nil, nil, fmt.Errorf("the checkpoint's state dict has %s under %s where a tensor is expected; keys here: %s",
				pickle.TypeName(e.Value), pickle.Show(e.Key), keys(dict))
		}
		if _, twice := arrays[name]; !twice {
			names = append(names, name)
			if strings.HasPrefix(name, "module.") {
				prefixed++
			}
		}
		arrays[name] = t.Array
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("the checkpoint's state dict is empty")
	}
	if prefixed == len(names) {
		bare := make(map[string]safetensors.Array, len(arrays))
		for i, name := range names {
			names[i] = strings.TrimPrefix(name, "module.")
			bare[names[i]] = arrays[name]
		}
		arrays = bare
	}
	return names, arrays, nil
}

// keys lists a dict's first keys for a message.
func keys(d *Dict) string {
	var list []string
	for _, e := range d.Entries[:min(8, len(d.Entries))] {
		list = append(list, pickle.Show(e.Key))
	}
	if len(d.Entries) > 8 {
		list = append(list, "...")
	}
	return strings.Join(list, ", ")
}

// bufferSuffixes end the names of BatchNorm's buffers.
var bufferSuffixes = []string{"running_mean", "running_var", "num_batches_tracked"}

// ParameterNames drops the names of BatchNorm's buffers from a state dict's:
// what is left are the parameters in the order in which optimizers number them.
func ParameterNames(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return slices.Contains(bufferSuffixes, n[strings.LastIndexByte(n, '.')+1:])
	})
}
