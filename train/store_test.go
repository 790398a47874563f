package train

import (
	"fmt"
	"os"
	"testing"

	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/train/config"
	made "opencarbon/train/internal/town"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	code := m.Run()
	if n := torch.Live(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors outlived all tests\n", n)
		code = 1
	}
	os.Exit(code)
}

// town is a small made-up store.
type town struct {
	rows, cols int
	image      int // image size; 0: none
	hash       string
	rasters    []store.Raster                                // whose numbers are of the cell and the name
	apart      int64                                         // columns between the western and the eastern half
	change     func(targets []float64, splits []store.Split) // before they are written
}

// townSize is the tiles' edge in pixels.
const townSize = made.Size

func (c town) made() made.Town {
	return made.Town{Rows: c.rows, Cols: c.cols, Image: c.image, Hash: c.hash, Rasters: c.rasters, Apart: c.apart, Change: c.change}
}

func (c town) write(dir string) error { return c.made().Write(dir) }

// open writes the town and opens it as a learning problem.
func (c town) open(t *testing.T) *dataset {
	t.Helper()
	return newDataset(c.made().Open(t))
}

// pois and both are quick experiments.
func pois() *config.Config { return made.POIs() }
func both() *config.Config { return made.Both() }

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
