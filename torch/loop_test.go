package torch_test

import (
	"testing"

	"opencarbon/torch"
)

// The shim's loops run on all threads of libtorch. A loop of at::parallel_for does not
// where the library is compiled without OpenMP, and nothing but the time would tell.
func TestLoopsTakeAllThreads(t *testing.T) {
	for _, threads := range []int{1, 2} {
		if err := torch.Run(torch.Options{Threads: threads}, func() {
			if n := torch.LoopThreads(); n != threads {
				t.Errorf("%d threads at work in a loop, want %d", n, threads)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}
