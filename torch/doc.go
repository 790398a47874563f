// Package torch is the tensor floor: libtorch from Go, without its sharp
// edges. It is the only package that touches libtorch (through the C shim in
// cgo/ and through gotorch); everything above it sees Go values and Go errors.
//
// # How tensors live and die
//
// All tensor code runs inside Run, which locks its goroutine to one thread,
// because libtorch's modes are thread-local. Every tensor that an operation
// makes belongs to the innermost open Scope; closing the scope frees them all
// in one call, whatever Go's garbage collector does. Scope.Keep moves a tensor
// out to the enclosing scope, Tensor.Own out of all scopes (parameters). Live
// counts what is alive.
//
//	err := torch.Run(torch.Options{Threads: 1}, func() {
//		x := torch.FromSlice([]float64{1, 2, 3}).SetRequiresGrad(true)
//		x.Mul(x).Sum().Backward() // d/dx of x^2 is 2x
//		fmt.Println(x.Grad().Float64s())
//	})
//
// # Errors
//
// A mistake (shapes, dtypes, a closed tensor, a foreign goroutine) panics with
// an *Error that names the operation and the shapes; Run and Try turn the
// panic into an ordinary error. The process never aborts.
//
// # What may not enter
//
// No files except state files (safetensors in its own room), no modules (they
// live in package layers), no data loading.
package torch
