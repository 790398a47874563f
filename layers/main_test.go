package layers_test

import (
	"fmt"
	"os"
	"testing"

	"opencarbon/torch"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if n := torch.Live(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors outlived all tests\n", n)
		code = 1
	}
	os.Exit(code)
}

// run executes f in the engine and fails the test on an error or a leak.
func run(t *testing.T, f func()) {
	t.Helper()
	before := torch.Live()
	if err := torch.Run(torch.Options{Threads: 1}, f); err != nil {
		t.Fatal(err)
	}
	if n := torch.Live(); n != before {
		t.Fatalf("%d tensors were alive before, %d are after", before, n)
	}
}
