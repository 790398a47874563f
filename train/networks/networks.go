// Package networks builds the network that a config or a checkpoint asks for. A
// new kind of network is a package or a file below layers, and a line here.
package networks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"opencarbon/layers"
	"opencarbon/layers/opencarbon"
	"opencarbon/layers/published"
	"opencarbon/layers/rivals"
	"opencarbon/train/learn"
)

// kinds are the networks that there are.
var kinds map[string]func(*layers.Params, layers.ModelConfig) (learn.Network, error)

func init() { // not where it is declared: a stack builds its members by New
	kinds = map[string]func(*layers.Params, layers.ModelConfig) (learn.Network, error){
		layers.KindOpenCarbon: adapt(opencarbon.New),
		layers.KindPublished:  adapt(published.New),
		rivals.KindBPNN:       adapt(rivals.NewBPNN),
		rivals.KindCarbonGCN:  adapt(rivals.NewCarbonGCN),
		rivals.KindPGSimCLR:   adapt(rivals.NewPGSimCLR),
		rivals.KindREAD:       adapt(rivals.NewREAD),
		rivals.KindTile2Vec:   adapt(rivals.NewTile2Vec),
		layers.KindRows:       adapt(newRows),
		layers.KindStack:      adapt(newStack),
	}
}

func adapt[N learn.Network](build func(*layers.Params, layers.ModelConfig) (N, error)) func(*layers.Params, layers.ModelConfig) (learn.Network, error) {
	return func(p *layers.Params, c layers.ModelConfig) (learn.Network, error) {
		n, err := build(p, c)
		if err != nil {
			return nil, err // not a nil N in a Network
		}
		return n, nil
	}
}

// Kinds lists the kinds of networks.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// New registers a network of architecture c in p.
func New(p *layers.Params, c layers.ModelConfig) (learn.Network, error) {
	build := kinds[c.Kind]
	if build == nil {
		return nil, fmt.Errorf("networks of kind %q are unknown; there are %s", c.Kind, strings.Join(Kinds(), ", "))
	}
	return build(p, c)
}

// Variant is the value of model.variant that asks for a network of that
// architecture.
func Variant(m layers.ModelConfig) string {
	switch {
	case m.Kind == layers.KindPublished:
		return "reference"
	case m.Plus:
		return "plus"
	case m.Kind != layers.KindOpenCarbon && m.Kind != "":
		return m.Kind
	}
	return "paper"
}
