package train

import (
	"fmt"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
)

// seenRasters are the further rasters of a store that a model of this architecture
// sees: all of them, or none where it has no features of a cell.
func seenRasters(m layers.ModelConfig, s *store.Store) []store.Raster {
	if m.Features == 0 {
		return nil
	}
	return s.Meta().Rasters
}

// rasters refuses a store without a raster that the checkpoint's model sees, or
// whose numbers were made of pixels in another way. Surplus ones do no harm.
func (c *Checkpoint) rasters(s *store.Store) error {
	have := s.Meta().Rasters
	for _, r := range c.Header.Rasters {
		at := slices.IndexFunc(have, func(h store.Raster) bool { return h.Name == r.Name })
		if at < 0 {
			others := ""
			if len(have) > 0 {
				names := make([]string, len(have))
				for i, h := range have {
					names[i] = h.Name
				}
				others = "; it has " + strings.Join(names, ", ")
			}
			return fault.New(s.Dir(), fmt.Sprintf("has no raster %q, which the checkpoint's model sees%s", r.Name, others),
				fmt.Sprintf("Give it in data.rasters: [{name: %s, path: ..., how: %s}]; the names must agree.", r.Name, r.How))
		}
		if have[at].How != r.How {
			return fault.New(s.Dir(), fmt.Sprintf("its raster %q is made by %s, the checkpoint's by %s", r.Name, have[at].How, r.How),
				fmt.Sprintf("Set how: %s for it in data.rasters.", r.How))
		}
	}
	return nil
}
