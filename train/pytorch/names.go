package pytorch

import (
	"slices"
	"strings"
)

// order is the order in which the published program registers its
// modules, which is how its optimizer numbers their parameters.
var order = []string{
	"grid_rep.image_encoder.",
	"grid_rep.poi_encoder.fc1.", "grid_rep.poi_encoder.bn1.", "grid_rep.poi_encoder.fc2.", "grid_rep.poi_encoder.bn2.",
	"grid_rep.poi_encoder.fc3.", "grid_rep.poi_encoder.fc.", "grid_rep.poi_encoder.se1.", "grid_rep.poi_encoder.se2.", "grid_rep.poi_encoder.se3.",
	"neighbor_rep.image_encoder.", "neighbor_rep.image_fc.", "neighbor_rep.image_direct.", "neighbor_rep.poi_encoder.", "neighbor_rep.poi_fc.", "neighbor_rep.poi_direct.",
	"cross_from_neighborhood.", "self_grid.", "self_neighbor.", "grid_agg.", "neighbor_agg.", "regressor.",
}

// Order sorts names, which are in the order of the model's own
// registration, as the published program has them.
func Order(names []string) []string {
	rank := func(name string) int {
		if i := slices.IndexFunc(order, func(p string) bool { return strings.HasPrefix(name, p) }); i >= 0 {
			return i
		}
		return len(order) // a module that the published program has not
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}
