package layers

import (
	"fmt"
	"hash/fnv"
	"sort"
	"strings"

	"opencarbon/torch"
)

// Params owns a model's tensors: parameters, which are trained, and buffers
// (running statistics), which are not. The order is that of registration,
// which is PyTorch's order of named_parameters for the same modules.
type Params struct {
	Device     torch.Device // where tensors are made; the zero value is the CPU
	DType      torch.DType  // of parameters; 0 (unset) means float32
	training   bool
	bnMomentum float64           // 0: PyTorch's default
	frozen     bool              // running statistics stay as they are in train mode too
	share      *Share            // nil: what is computed is the whole batch
	parts      *partsRun         // nil: what is computed is not a part of it
	copies     [][]*torch.Tensor // of the parameters, for the gradient of each part; owned
	copied     *partsRun         // the parts that copies are of
	entries    []Entry
	fixed      []*torch.Tensor // constants: owned, neither trained nor saved
	index      map[string]int
	made       int // scalars of the entries so far
	limit      int // most of them; 0: any number
	within     string
}

// Entry is one named tensor.
type Entry struct {
	Name   string // PyTorch's path, e.g. "layer1.0.conv1.weight"
	Tensor *torch.Tensor
	Buffer bool // not trained
}

// NewParams makes an empty set of float32 parameters in train mode.
func NewParams(device torch.Device) *Params {
	return &Params{Device: device, DType: torch.Float32, training: true, index: map[string]int{}}
}

// Limit makes building a model that has more than n scalars, buffers included,
// panic with a *torch.Error before the first tensor beyond them is made: a damaged
// file may ask for a model that no memory holds.
func (s *Params) Limit(n int) { s.limit = n }

// room counts a tensor of that shape before it is made, and panics as Limit says.
func (s *Params) room(shape ...int) {
	n := 1
	for _, d := range shape {
		if s.limit > 0 && d > 0 && n > s.limit/d {
			n = s.limit + 1
			break
		}
		n *= d
	}
	if s.made += n; s.limit > 0 && s.made > s.limit {
		panic(&torch.Error{Op: "model", Message: fmt.Sprintf("a tensor %v makes it larger than the %d numbers that there are", shape, s.limit)})
	}
}

// Path is a place among parameters: a prefix of names.
type Path struct {
	params *Params
	prefix string
	fixed  bool
}

// Root returns the path without a prefix, but for that of Within.
func (s *Params) Root() Path { return Path{params: s, prefix: s.within} }

// Within puts all that build registers below a name: a network in a network.
func (s *Params) Within(name string, build func() error) error {
	before := s.within
	defer func() { s.within = before }()
	s.within += name + "."
	return build()
}

// Sub returns the path below p named by the parts.
func (p Path) Sub(parts ...any) Path {
	for _, part := range parts {
		p.prefix += fmt.Sprint(part) + "."
	}
	return p
}

// Fixed returns the path whose modules are not trained: their weights are buffers,
// and batch normalizations there are in evaluation mode always.
func (p Path) Fixed() Path {
	p.fixed = true
	return p
}

// Params returns the parameters that p belongs to.
func (p Path) Params() *Params { return p.params }

// Parameter registers t, made on any scope, as a trained tensor (below Fixed: as a
// buffer) and takes it over. It panics with a *torch.Error when the name is taken.
func (p Path) Parameter(name string, t *torch.Tensor) *torch.Tensor {
	if p.fixed {
		return p.Buffer(name, t.Cast(p.params.DType))
	}
	t = t.Cast(p.params.DType).To(p.params.Device).Detach().Own()
	t.SetRequiresGrad(true)
	p.params.register(Entry{Name: p.prefix + name, Tensor: t})
	return t
}

// Buffer registers t as a tensor that is saved but not trained.
func (p Path) Buffer(name string, t *torch.Tensor) *torch.Tensor {
	t = t.To(p.params.Device).Detach().Own()
	p.params.register(Entry{Name: p.prefix + name, Tensor: t, Buffer: true})
	return t
}

// Bytes makes n bytes, zero, within the limit.
func (s *Params) Bytes(n int) *torch.Tensor {
	s.room(n)
	return torch.Zeros(torch.UInt8, torch.CPU, n)
}

// constant takes over a tensor that is neither trained nor saved.
func (s *Params) constant(t *torch.Tensor) *torch.Tensor {
	t = t.To(s.Device).Detach().Own()
	s.fixed = append(s.fixed, t)
	return t
}

func (s *Params) register(e Entry) {
	if _, taken := s.index[e.Name]; taken {
		e.Tensor.Close()
		panic(&torch.Error{Op: "register", Message: fmt.Sprintf("the name %q is taken", e.Name)})
	}
	s.index[e.Name] = len(s.entries)
	s.entries = append(s.entries, e)
}

// Train switches to train mode: batch statistics, dropout.
func (s *Params) Train() { s.training = true }

// Eval switches to evaluation mode: running statistics.
func (s *Params) Eval() { s.training = false }

// SetMomentum sets the weight of the newest batch in the running statistics of
// every batch normalization; 0 means PyTorch's default of 0.1.
func (s *Params) SetMomentum(m float64) { s.bnMomentum = m }

// FreezeStatistics makes batch normalizations in train mode leave their running
// statistics as they are.
func (s *Params) FreezeStatistics(on bool) { s.frozen = on }

func (s *Params) momentum() float64 {
	if s.bnMomentum == 0 {
		return 0.1
	}
	return s.bnMomentum
}

// Training reports the mode.
func (s *Params) Training() bool { return s.training }

// Hash is a checksum of all tensors' bits.
func (s *Params) Hash() uint64 {
	h := fnv.New64a()
	torch.InScope(func(*torch.Scope) {
		for _, e := range s.entries {
			h.Write(torch.ToArray(e.Tensor.Detach()).Data)
		}
	})
	return h.Sum64()
}

// Entries returns all tensors in their stable order.
func (s *Params) Entries() []Entry { return s.entries }

// Parameters returns the trained tensors in their stable order.
func (s *Params) Parameters() []*torch.Tensor {
	var out []*torch.Tensor
	for _, e := range s.entries {
		if !e.Buffer {
			out = append(out, e.Tensor)
		}
	}
	return out
}

// ParameterNames returns the names of Parameters, in their order.
func (s *Params) ParameterNames() []string {
	var out []string
	for _, e := range s.entries {
		if !e.Buffer {
			out = append(out, e.Name)
		}
	}
	return out
}

// Get returns the tensor of that name, or nil.
func (s *Params) Get(name string) *torch.Tensor {
	if i, ok := s.index[name]; ok {
		return s.entries[i].Tensor
	}
	return nil
}

// Count returns the number of trained scalars.
func (s *Params) Count() int {
	n := 0
	for _, e := range s.entries {
		if !e.Buffer {
			n += e.Tensor.Numel()
		}
	}
	return n
}

// Load copies values into the tensors of the same names. prefix is put before
// each of values' names. With strict, every tensor of the set under the
// prefix must be there; surplus names and differing shapes are always errors.
// On an error nothing is changed.
func (s *Params) Load(prefix string, values map[string]*torch.Tensor, strict bool) error {
	var missing, surplus, shapes []string
	for name, v := range values {
		t := s.Get(prefix + name)
		if t == nil {
			surplus = append(surplus, name)
		} else if a, b := fmt.Sprint(t.Shape()), fmt.Sprint(v.Shape()); a != b {
			shapes = append(shapes, fmt.Sprintf("%s is %s, %s is needed", name, b, a))
		}
	}
	for _, e := range s.entries {
		if name, ok := strings.CutPrefix(e.Name, prefix); ok && strict && values[name] == nil {
			missing = append(missing, name)
		}
	}
	if len(missing)+len(surplus)+len(shapes) > 0 {
		return fmt.Errorf("the weights do not fit the model:%s%s%s", listed(" missing", missing), listed(" surplus", surplus),
			listed(" of another shape", shapes))
	}
	torch.NoGrad(func() {
		for name, v := range values {
			s.Get(prefix + name).CopyInPlace(v)
		}
	})
	return nil
}

// listed names at most eight items.
func listed(what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	sort.Strings(names)
	n := len(names)
	if n > 8 {
		names = append(names[:8:8], fmt.Sprintf("and %d more", n-8))
	}
	return what + " " + strings.Join(names, ", ") + ";"
}

// Close frees all tensors.
func (s *Params) Close() {
	s.dropCopies()
	for _, e := range s.entries {
		if !e.Tensor.Closed() {
			e.Tensor.Close()
		}
	}
	for _, t := range s.fixed {
		if !t.Closed() {
			t.Close()
		}
	}
	s.entries, s.fixed, s.index = nil, nil, map[string]int{}
}
