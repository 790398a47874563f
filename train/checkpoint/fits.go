package checkpoint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
)

// Fits says how a store, as Reads makes it, differs from what the checkpoint was
// trained on, where that matters.
func (c *Checkpoint) Fits(s *store.Store) error {
	if err := c.sizes(s); err != nil {
		return err
	}
	if h := c.Header; h.Model.POI && !slices.Equal(h.Categories, s.Categories()) {
		return fault.New(s.Dir(), "its POI categories are not the checkpoint's: "+categoryDifference(h.Categories, s.Categories()),
			"Map the categories with data.poi.categories (a YAML table) to: "+strings.Join(h.Categories, ", ")+".")
	}
	return nil
}

// sizes is Fits less the names of the categories.
func (c *Checkpoint) sizes(s *store.Store) error { return c.sizesOf(s, s.Shape()) }

// sizesOf is sizes of a store with images of that shape, which it may have yet to
// get; zero: none.
func (c *Checkpoint) sizesOf(s *store.Store, images store.Shape) error {
	if c.foreign != nil {
		if err := c.meet(s); err != nil {
			return err
		}
	}
	m := c.Header.Model
	where := s.Dir()
	if m.Image && images.Size == 0 {
		return fault.New(where, "has no images, but the checkpoint's model needs them", "Give data.imagery.path.")
	}
	if m.POI && !s.HasPOIs() {
		return fault.New(where, "has no points of interest, but the checkpoint's model needs them", "Give data.poi.path.")
	}
	if err := c.rasters(s); err != nil {
		return err
	}
	if m.POISize == 0 {
		m.POISize = m.ImageSize
	}
	if is := Bands(images); m.Image && is != m.Bands {
		return fault.New(where, fmt.Sprintf("its images have %d bands, the checkpoint was trained on %d", images.Bands, m.ImageInput().Bands),
			"Give data.imagery.bands the bands of the training images.")
	}
	if is := Pixels(images); m.Image && is != m.Pixels {
		return fault.New(where, fmt.Sprintf("its images are of type %s, the checkpoint was trained on %s", images.Pixel, cmp.Or(m.Pixels, "uint8")),
			"Set data.imagery.type: "+cmp.Or(m.Pixels, "uint8")+".")
	}
	if m.Image && images.Size != m.ImageSize {
		return fault.New(where, fmt.Sprintf("its images have %d x %d pixels, the checkpoint was trained on %d x %d", images.Size, images.Size,
			m.ImageSize, m.ImageSize), fmt.Sprintf("Set data.imagery.size: %d.", m.ImageSize))
	}
	if m.POI && s.POISize() != m.POISize {
		return fault.New(where, fmt.Sprintf("its points are counted on %d x %d pixels, the checkpoint was trained on %d x %d", s.POISize(),
			s.POISize(), m.POISize, m.POISize), fmt.Sprintf("Set data.poi.size: %d.", m.POISize))
	}
	return nil
}

// categoryDifference says in words how two category lists differ.
func categoryDifference(want, have []string) string {
	var parts []string
	say := func(what string, a, b []string) {
		var only []string
		for _, x := range a {
			if !slices.Contains(b, x) {
				only = append(only, x)
			}
		}
		if len(only) > 8 {
			only = append(only[:8:8], fmt.Sprintf("and %d more", len(only)-8))
		}
		if len(only) > 0 {
			parts = append(parts, what+" "+strings.Join(only, ", "))
		}
	}
	say("missing", want, have)
	say("surplus", have, want)
	if parts == nil {
		return "the same names in another order"
	}
	return strings.Join(parts, "; ")
}

// Bands is layers.ModelConfig.Bands of images: 0 for red, green and blue.
func Bands(s store.Shape) int {
	if b := s.Bands; b != 3 {
		return b
	}
	return 0
}

// Pixels is layers.ModelConfig.Pixels of images: empty for bytes.
func Pixels(s store.Shape) string {
	if p := s.Pixel; p != store.UInt8 {
		return p.String()
	}
	return ""
}

// Rasters are the further rasters of a store that a model of this architecture
// sees: all of them, or none where it has no features of a cell.
func Rasters(m layers.ModelConfig, s *store.Store) []store.Raster {
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
