package pth

import (
	"errors"
	"fmt"
	"slices"

	"opencarbon/torch/pickle"
	"opencarbon/torch/safetensors"
)

// Adam is the state of an Adam or AdamW optimizer.
type Adam struct {
	Groups []AdamGroup
	State  map[int64]AdamState // by the parameter's id in Groups; no entry: not stepped yet
}

// AdamGroup is one group of parameters and its settings.
type AdamGroup struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64
	AMSGrad                            bool
	Params                             []int64 // ids; 0, 1, ... in the order of model.parameters(), unless an old PyTorch wrote them
}

// AdamState is what Adam keeps of one parameter, in the parameter's shape.
type AdamState struct {
	Step                        int64
	ExpAvg, ExpAvgSq, MaxExpAvg safetensors.Array // MaxExpAvg (max_exp_avg_sq) only with AMSGrad
}

// OptimizerState returns the Adam state under optimizer_state_dict or
// optimizer, or that the tree itself is. It is nil, without an error, where the
// checkpoint has none.
func OptimizerState(root any) (*Adam, error) {
	if f, ok := root.(*File); ok {
		root = f.Root
	}
	dict, ok := root.(*Dict)
	if !ok {
		return nil, nil
	}
	for _, key := range []string{"optimizer_state_dict", "optimizer"} {
		if v, ok := dict.Get(key); ok {
			if dict, ok = v.(*Dict); !ok {
				return nil, fmt.Errorf("the optimizer's state is %s", pickle.TypeName(v))
			}
			break
		}
	}
	g, okG := dict.Get("param_groups")
	s, okS := dict.Get("state")
	if !okG && !okS {
		return nil, nil
	}
	groups, okG := g.(*List)
	state, okS := s.(*Dict)
	if !okG || !okS {
		return nil, errors.New("the optimizer's state lacks param_groups or state")
	}
	a := &Adam{State: map[int64]AdamState{}}
	for i, item := range groups.Items {
		group, err := adamGroup(item)
		if err != nil {
			return nil, fmt.Errorf("the optimizer's param_groups[%d]: %w", i, err)
		}
		a.Groups = append(a.Groups, group)
	}
	for _, e := range state.Entries {
		id, ok := pickle.Int(e.Key)
		if !ok {
			return nil, fmt.Errorf("the optimizer's state has the key %s", pickle.Show(e.Key))
		}
		one, err := adamState(e.Value)
		if err != nil {
			return nil, fmt.Errorf("the optimizer's state of parameter %d: %w", id, err)
		}
		a.State[id] = one
	}
	return a, nil
}

func adamGroup(v any) (g AdamGroup, err error) {
	d, ok := v.(*Dict)
	if !ok {
		return g, errors.New("is no dict")
	}
	number := func(key string) float64 {
		v, _ := d.Get(key)
		f, ok := numberOf(v)
		if !ok && err == nil {
			err = fmt.Errorf("%s is no number; is the optimizer Adam?", key)
		}
		return f
	}
	g.LR, g.Eps, g.WeightDecay = number("lr"), number("eps"), number("weight_decay")
	if err != nil {
		return g, err
	}
	v, _ = d.Get("betas")
	betas, ok := v.(Tuple)
	if list, isList := v.(*List); isList {
		betas, ok = Tuple(list.Items), true
	}
	if !ok || len(betas) != 2 {
		return g, errors.New("betas are missing; is the optimizer Adam?")
	}
	var ok1, ok2 bool
	g.Beta1, ok1 = numberOf(betas[0])
	g.Beta2, ok2 = numberOf(betas[1])
	v, _ = d.Get("params")
	params, ok := v.(*List)
	if !ok1 || !ok2 || !ok {
		return g, errors.New("betas or params are damaged")
	}
	v, _ = d.Get("amsgrad")
	g.AMSGrad, _ = v.(bool)
	for _, p := range params.Items {
		id, ok := pickle.Int(p)
		if !ok {
			return g, errors.New("params are no numbers")
		}
		g.Params = append(g.Params, id)
	}
	return g, nil
}

func adamState(v any) (s AdamState, err error) {
	d, ok := v.(*Dict)
	if !ok {
		return s, errors.New("is no dict")
	}
	v, _ = d.Get("step")
	step, ok := numberOf(v)
	if !ok || step < 0 || step != float64(int64(step)) {
		return s, errors.New("step is no count; is the optimizer Adam?")
	}
	s.Step = int64(step)
	for _, m := range []struct {
		key string
		to  *safetensors.Array
	}{{"exp_avg", &s.ExpAvg}, {"exp_avg_sq", &s.ExpAvgSq}, {"max_exp_avg_sq", &s.MaxExpAvg}} {
		v, there := d.Get(m.key)
		t, ok := v.(*Tensor)
		if !ok {
			if !there && m.key == "max_exp_avg_sq" {
				continue
			}
			return s, fmt.Errorf("%s is no tensor; is the optimizer Adam?", m.key)
		}
		if s.ExpAvg.Shape != nil && !slices.Equal(s.ExpAvg.Shape, t.Shape) {
			return s, fmt.Errorf("%s has the shape %v, exp_avg %v", m.key, t.Shape, s.ExpAvg.Shape)
		}
		*m.to = t.Array
	}
	return s, nil
}

// numberOf is the value of a number or of a tensor of one element.
func numberOf(v any) (float64, bool) {
	t, ok := v.(*Tensor)
	if !ok {
		return pickle.Float(v)
	}
	kinds := map[string]pickle.DType{"F64": {Kind: 'f', Size: 8}, "F32": {Kind: 'f', Size: 4}, "F16": {Kind: 'f', Size: 2},
		"I64": {Kind: 'i', Size: 8}, "I32": {Kind: 'i', Size: 4}}
	k, ok := kinds[t.DType]
	if !ok || len(t.Data) != k.Size {
		return 0, false
	}
	return (&pickle.Array{DType: k, Data: &pickle.Bytes{Data: t.Data}}).At(0), true
}

// Tree is the state as PyTorch's Adam.load_state_dict takes it.
func (a *Adam) Tree() *Dict {
	state, groups := &Dict{}, &List{}
	for _, g := range a.Groups {
		params := &List{}
		for _, id := range g.Params {
			params.Items = append(params.Items, id)
			s, ok := a.State[id]
			if !ok {
				continue
			}
			one := &Dict{}
			one.Set("step", &Tensor{Array: float32Scalar(float32(s.Step))})
			one.Set("exp_avg", &Tensor{Array: s.ExpAvg})
			one.Set("exp_avg_sq", &Tensor{Array: s.ExpAvgSq})
			if g.AMSGrad {
				one.Set("max_exp_avg_sq", &Tensor{Array: s.MaxExpAvg})
			}
			state.Entries = append(state.Entries, Entry{Key: id, Value: one})
		}
		group := &Dict{}
		group.Set("lr", g.LR)
		group.Set("betas", Tuple{g.Beta1, g.Beta2})
		group.Set("eps", g.Eps)
		group.Set("weight_decay", g.WeightDecay)
		group.Set("amsgrad", g.AMSGrad)
		group.Set("maximize", false)
		group.Set("foreach", nil)
		group.Set("capturable", false)
		group.Set("differentiable", false)
		group.Set("fused", nil)
		group.Set("params", params)
		groups.Items = append(groups.Items, group)
	}
	return &Dict{Entries: []Entry{{Key: "state", Value: state}, {Key: "param_groups", Value: groups}}}
}
