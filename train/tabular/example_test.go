package tabular_test

import (
	"context"
	"fmt"
	"math"

	"opencarbon/train/tabular"
)

// A ridge regression on rows that somebody has put together: ln emission is 1 plus
// twice the first feature, and the second says nothing.
func ExampleRidgeRegression() {
	var x []float32
	var ln []float64
	var train, validation []int32
	for i := range 60 {
		a, b := float32(i%10), float32(i*7%11)
		x, ln = append(x, a, b), append(ln, 1+2*float64(a))
		if i < 40 {
			train = append(train, int32(i))
		} else {
			validation = append(validation, int32(i))
		}
	}
	features, err := tabular.FromRows([]string{"night light", "noise"}, x)
	if err != nil {
		panic(err)
	}
	task := tabular.Task{Features: features, Ln: ln, Train: train, Validation: validation}
	fitted, err := tabular.RidgeRegression{}.Fit(context.Background(), task, tabular.Options{})
	if err != nil {
		panic(err)
	}
	region, err := tabular.FromRows([]string{"night light", "noise"}, []float32{3, 5, 8, 1})
	if err != nil {
		panic(err)
	}
	predicted, err := fitted.Predict(context.Background(), region, []int32{0, 1})
	if err != nil {
		panic(err)
	}
	for _, y := range predicted {
		fmt.Printf("%.1f\n", math.Round(10*y)/10)
	}
	// Output:
	// 7.0
	// 17.0
}
