package train

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

var (
	parityLive  = flag.Bool("parity.live", false, "compare with PyTorch run now, all combinations; much quicker where libblas is OpenBLAS")
	parityCases = flag.String("parity.cases", "", "regular expression of the cases of -parity.live, variant/encoder/M/se/contrastive/steps")
	paritySteps = flag.Int("parity.steps", 20, "optimizer steps of -parity.live; 0 = forward and gradients only")
)

// python starts a script of testdata; where the test ends before it, it ends
// too.
func python(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", args...)
	cmd.Dir, cmd.Stderr = "testdata", os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestParityLive is TestParity against a PyTorch that runs beside it, for all
// combinations of variant, POI encoder, width and ablation; M = 1 is the one
// without neighborhood.
func TestParityLive(t *testing.T) {
	if !*parityLive {
		t.Skip("give -parity.live to run PyTorch beside")
	}
	pattern, err := regexp.Compile(*parityCases)
	if err != nil {
		t.Fatal(err)
	}
	var cases []string
	for _, m := range []int{1, 3, 5} {
		for _, variant := range []string{"paper", "reference"} {
			for _, encoder := range []string{"k7", "k37"} {
				for _, flags := range []string{"1/1", "0/1", "1/0"} {
					if name := fmt.Sprintf("%s/%s/%d/%s/%d", variant, encoder, m, flags, *paritySteps); pattern.MatchString(name) {
						cases = append(cases, name)
					}
				}
			}
		}
	}
	if len(cases) == 0 {
		t.Fatal("no case fits -parity.cases")
	}
	dir := t.TempDir()
	torchSide := python(t, "parity.py", dir, strings.Join(cases, ","))
	ended := make(chan error, 1)
	go func() { ended <- torchSide.Wait() }()
	var worst parityWorst
	fmt.Printf("%-24s  %s\n", "", parityHead)
	for _, name := range cases {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".safetensors")
		for waiting := true; waiting; {
			select {
			case err = <-ended:
				ended <- err
				waiting = false
			case <-time.After(100 * time.Millisecond):
				_, e := os.Stat(path)
				waiting = e != nil
			}
		}
		golden, e := safetensors.ReadFile(path)
		if e != nil {
			t.Fatalf("PyTorch ended with %v: %v", err, e)
		}
		var w parityWorst
		if err := torch.Run(torch.Options{Threads: 1}, func() {
			w = parseParityCase(name).measure(t, newDigests(), golden.Arrays)
		}); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%-24s  %s\n", name, w)
		w.check(t, name)
		worst = worst.with(w)
	}
	fmt.Printf("%-24s  %s\n", fmt.Sprintf("worst of %d", len(cases)), worst)
}
