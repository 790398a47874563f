package pth

import (
	"errors"
	"fmt"
	"strings"

	"opencarbon/torch/pickle"
)

// find is the table of the globals that a checkpoint may name.
func (l *loader) find(module, name string) (any, error) {
	switch module {
	case "torch", "torch.cuda", "torch.storage":
		if t, ok := storageTypes[name]; ok {
			return t, nil
		}
		switch {
		case module == "torch" && name == "Size":
			return pickle.ClassFunc(func(_ *pickle.Decoder, args Tuple) (any, error) {
				if len(args) == 1 {
					if t, ok := args[0].(Tuple); ok {
						return t, nil
					}
				}
				return nil, errors.New("torch.Size of something that is no tuple")
			}), nil
		case module == "torch" && name == "device":
			return pickle.ClassFunc(func(_ *pickle.Decoder, args Tuple) (any, error) {
				words := make([]string, 0, 2) // type and number
				for _, a := range args[:min(2, len(args))] {
					words = append(words, strings.Trim(pickle.Show(a), `"`))
				}
				return Name(strings.Join(words, ":")), nil
			}), nil
		case strings.HasSuffix(name, "Tensor"), module == "torch" && dtypeNames[name]:
			return Name(module + "." + name), nil
		}
	case "torch._utils":
		switch name {
		case "_rebuild_tensor", "_rebuild_tensor_v2":
			return pickle.ClassFunc(l.rebuildTensor), nil
		case "_rebuild_parameter", "_rebuild_parameter_with_state":
			return pickle.ClassFunc(rebuildParameter), nil
		}
	}
	switch module + "." + name {
	case "torch.nn.parameter.Parameter", "torch.nn.Parameter", "torch.autograd.variable.Variable", "torch.autograd.Variable":
		return pickle.ClassFunc(func(_ *pickle.Decoder, args Tuple) (any, error) {
			return oldParameter(args, name == "Parameter")
		}), nil
	}
	if v := (pickle.Numpy{}).Find(module, name); v != nil {
		return v, nil
	}
	return nil, nil
}

var dtypeNames = map[string]bool{"float16": true, "float32": true, "float64": true, "bfloat16": true, "int8": true, "int16": true,
	"int32": true, "int64": true, "uint8": true, "bool": true, "strided": true}

// rebuildTensor is (storage, offset, size, stride[, requires_grad, hooks, ...]).
func (l *loader) rebuildTensor(_ *pickle.Decoder, args Tuple) (any, error) {
	if len(args) < 4 {
		return nil, errors.New("a tensor without storage, offset, size and stride")
	}
	from, ok := args[0].(*storage)
	offset, okOffset := pickle.Int(args[1])
	size, okSize := l.ints(args[2])
	stride, okStride := l.ints(args[3])
	if !ok || !okOffset || !okSize || !okStride {
		return nil, errors.New("a tensor with a strange storage, offset, size or stride")
	}
	t, err := l.newTensor(from, offset, size, stride)
	if err == nil && len(args) > 4 {
		t.RequiresGrad, _ = args[4].(bool)
	}
	return t, err
}

func rebuildParameter(_ *pickle.Decoder, args Tuple) (any, error) {
	if len(args) >= 2 {
		if t, ok := args[0].(*Tensor); ok {
			t.Parameter = true
			t.RequiresGrad, _ = args[1].(bool)
			return t, nil
		}
	}
	return nil, errors.New("a parameter without its tensor")
}

// oldParameter is how PyTorch before 0.4 wrote parameters, torchvision's first
// weights among them: Parameter(tensor) and a state.
func oldParameter(args Tuple, parameter bool) (any, error) {
	if len(args) > 0 {
		if t, ok := args[0].(*Tensor); ok {
			t.Parameter = t.Parameter || parameter
			return t, nil
		}
	}
	return nil, errors.New("a parameter without its tensor")
}

// Build implements pickle.Builder for a tensor that was made as Parameter
// (tensor): the state is (requires_grad, volatile, hooks).
func (t *Tensor) Build(_ *pickle.Decoder, state any) error {
	s, ok := state.(Tuple)
	if !ok || len(s) != 3 {
		return errors.New("a parameter with a strange state")
	}
	grad, _ := pickle.Int(s[0])
	t.RequiresGrad = grad != 0
	return nil
}

func (l *loader) ints(v any) ([]int64, bool) {
	t, ok := v.(Tuple)
	if list, isList := v.(*List); isList {
		t, ok = Tuple(list.Items), true
	}
	if !ok || len(t) > maxDims || l.budget.Take(int64(8*len(t))) != nil {
		return nil, false
	}
	out := make([]int64, len(t))
	for i, x := range t {
		if out[i], ok = pickle.Int(x); !ok {
			return nil, false
		}
	}
	return out, true
}

// persistent answers the ids of the stream and zip layouts: ('storage', class,
// key, location, number of elements[, view]); 'module' ids of models saved
// whole are refused by the names of their classes.
func (l *loader) persistent(id any) (any, error) {
	t, ok := id.(Tuple)
	if !ok || len(t) < 2 {
		return nil, errors.New("a strange persistent id")
	}
	if kind, _ := t[0].(string); kind == "module" {
		return t[1], nil
	}
	if len(t) < 5 || t[0] != any("storage") {
		return nil, errors.New("a strange persistent id")
	}
	kind, okKind := t[1].(storageType)
	key, okKey := t[2].(string)
	numel, okNumel := pickle.Int(t[4])
	if !okKind || !okKey || !okNumel || numel < 0 || numel > l.size/kind.Size {
		return nil, fmt.Errorf("storage %.40q of %s elements does not fit into the file", key, pickle.Show(t[4]))
	}
	s, seen := l.storages[key]
	if seen && (s.kind != kind || s.numel != numel) {
		return nil, fmt.Errorf("storage %.40q has two types or sizes", key)
	}
	if !seen {
		if err := l.budget.Take(300); err != nil {
			return nil, err
		}
		s = &storage{kind: kind, numel: numel}
		l.storages[key] = s
		l.order = append(l.order, s)
	}
	if len(t) > 5 && t[5] != nil {
		view, ok := t[5].(Tuple) // (key, offset, number of elements)
		if !ok || len(view) != 3 {
			return nil, errors.New("a strange storage view")
		}
		at, okAt := pickle.Int(view[1])
		n, okN := pickle.Int(view[2])
		if !okAt || !okN || at < 0 || n < 0 || at > numel || n > numel-at {
			return nil, errors.New("a storage view reaches beyond its storage")
		}
		return &storage{kind: kind, numel: n, root: s, at: at}, l.budget.Take(100)
	}
	return s, nil
}
