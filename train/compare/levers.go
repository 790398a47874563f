package compare

import (
	"slices"
	"strings"

	"opencarbon/train/config"
)

// levers are ways to train the same network faster: what they cost in accuracy is
// measured as what an ablation does. The first is the plain one. A lever is set
// whole: what the config says of the others does not matter.
var levers = []network{
	{"random", "random batches, each tile encoded once", lever("random", 0, "unique", "fp32")},
	{"historical", "the same with embeddings of the neighbors' last step", lever("random", 0, "historical", "fp32")},
	{"historical-bf16", "that in bfloat16", lever("random", 0, "historical", "bf16")},
	{"blocks", "batches of blocks of 4 x 4 cells, from two places or more", lever("blocks", 4, "unique", "fp32")},
	{"patches", "batches of one patch each", lever("blocks", 0, "unique", "fp32")},
	{"slices", "the published program's slices", lever("random", 0, "slices", "fp32")},
}

func lever(sampler string, block int, encode, precision string) func(*config.Config) {
	return func(c *config.Config) {
		c.Train.Sampler, c.Train.Block, c.Train.Encode, c.Train.Precision = sampler, block, encode, precision
	}
}

// measured reports whether a row is there to measure what a part or a lever is
// worth, and not to predict: nothing is combined of it.
func measured(name string) bool {
	return strings.HasPrefix(name, "no-") || slices.Contains(Levers(), name)
}

// Levers are the rows that train the same network faster, the plain one first.
func Levers() (names []string) {
	for _, l := range levers {
		names = append(names, l.name)
	}
	return names
}
