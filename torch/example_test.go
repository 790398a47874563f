package torch_test

import (
	"fmt"

	"opencarbon/torch"
)

// A gradient: tensors live in a scope, which Run opens and closes.
func ExampleRun() {
	err := torch.Run(torch.Options{Threads: 1}, func() {
		x := torch.FromSlice([]float64{1, 2, 3}).SetRequiresGrad(true)
		x.Mul(x).Sum().Backward() // d/dx of x^2 is 2x
		fmt.Println(x.Grad().Float64s())
	})
	fmt.Println(err)

	// A mistake is an error that names the operation, never an abort.
	err = torch.Run(torch.Options{Threads: 1}, func() {
		torch.FromSlice([]float64{1, 2, 3}).MatMul(torch.FromSlice([]float64{1, 2}))
	})
	fmt.Println(err != nil)
	// Output:
	// [2 4 6]
	// <nil>
	// true
}
