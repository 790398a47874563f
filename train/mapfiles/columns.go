package mapfiles

import (
	"strings"
)

// meanings of the columns of predictions.csv; those of amounts without their unit.
var meanings = map[string]string{
	"cell":          "key of the cell in every table: col_row",
	"col":           "column of the grid, eastward",
	"row":           "row of the grid, southward",
	"lon":           "longitude of the center, WGS84",
	"lat":           "latitude of the center, WGS84",
	"split":         "what the cell was for in training: train, validation, test or none",
	"ln_true":       "natural logarithm of the inventory's emission",
	"ln_predicted":  "natural logarithm of the predicted emission",
	"true":          "emission of the inventory",
	"predicted":     "predicted emission, near the median: its sums are too low",
	"corrected":     "predicted emission, corrected: the one to add up",
	"scaled":        "predicted emission, scaled to known totals",
	"dissimilarity": "distance from the training cells (dissimilarity index, Meyer and Pebesma 2021)",
	"in_domain":     "1: like the training cells; 0: the model should not be trusted here",
	"ln_spread":     "standard deviation of ln emission over an ensemble",
}

// meaning is what a column says in words; the name of an amount may lack its unit.
func meaning(column string) string {
	if m, ok := meanings[column]; ok {
		return m
	}
	parts := strings.SplitN(column, "_", 3)
	switch {
	case parts[0] == "low" && len(parts) > 1:
		return "lower end of the " + parts[1] + "% prediction interval"
	case parts[0] == "high" && len(parts) > 1:
		return "upper end of the " + parts[1] + "% prediction interval"
	}
	return meanings[parts[0]] // true_tCO2_per_yr and so on
}
