// Package tabular holds the methods that see a cell as a row of numbers: image
// statistics and ln(1 + POI counts) of the cell and of its surroundings, and on
// them ridge regression, support vector regression, boosted trees and random
// forests. They take seconds, and a network that does not beat them has learnt
// nothing that they do not say, so `train` prints them beside every result.
//
// A method is fitted on rows of features and predicts others, ln emission both times:
//
//	features, err := tabular.FromRows([]string{"night light", "noise"}, x)
//	task := tabular.Task{Features: features, Ln: ln, Train: train, Validation: validation}
//	fitted, err := tabular.RidgeRegression{}.Fit(context.Background(), task, tabular.Options{})
//	predicted, err := fitted.Predict(context.Background(), region, []int32{0, 1})
//
// Read features.go first (what a row is), then method.go (what a method is);
// each method is one file. Native libraries are opened when a method asks for
// them (package native): where they are missing, the other methods work.
//
// What may not enter: tensors, the networks, and the test cells' targets.
package tabular
