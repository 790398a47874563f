package torch_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"opencarbon/torch"
)

// residentKiB is the process's memory as the kernel counts it, or 0 elsewhere.
func residentKiB() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	n, _ := strconv.Atoi(strings.Fields(rest)[0])
	return n
}

// Blocks of the pool never overlap, whatever the order and the sizes in which
// they come and go, large tensors made before and after a switch live side by
// side, and memory does not grow with the number of blocks that were.
func TestPoolMemory(t *testing.T) {
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		defer torch.PoolMemory(torch.PoolMemory(true))
		rng := rand.New(rand.NewPCG(1, 2))
		var live [12]*torch.Tensor
		check := func(i int) {
			for _, v := range live[i].Float32s() {
				if v != float32(i) {
					t.Fatalf("block %d holds %v", i, v)
				}
			}
		}
		warm := 0
		for round := range 600 {
			if round == 300 {
				warm = residentKiB()
			}
			if round%100 == 99 {
				torch.PoolMemory(round%200 == 199)
			}
			torch.InScope(func(*torch.Scope) {
				i := rng.IntN(len(live))
				if live[i] != nil {
					check(i)
					live[i].Close()
				}
				live[i] = torch.Full(float64(i), torch.Float32, torch.CPU, 100000+rng.IntN(900000)).Own() // 0.4 to 4 MB
			})
		}
		for i, x := range live {
			if x != nil {
				check(i)
				x.Close()
			}
		}
		if grown := residentKiB() - warm; grown > 40<<10 {
			t.Errorf("memory grew by %d KiB over 300 blocks of which 12 live at once", grown)
		}
		if torch.PoolMemory(false); torch.PoolMemory(true) {
			t.Error("the switch does not say what was before")
		}
	}); err != nil {
		t.Fatal(err)
	}
}
