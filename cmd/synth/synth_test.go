package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/cmd/internal/cli"
	"opencarbon/data/synth"
)

func TestSynth(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "towns")
	cmd := command()
	var out strings.Builder
	cmd.SetOut(&out)
	if code := cli.Run(cmd, []string{"--out", dir, "--cells", "8x9", "--size", "16", "--cities", "2", "--noise", "0"}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, name := range []string{"alder/alder.yaml", "birch/mosaic.tif", "birch/" + synth.TruthFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	// Without noise everything can be known.
	if s := out.String(); !strings.Contains(s, "made city birch: 8 x 9 cells") || !strings.Contains(s, "1.0000") || !strings.Contains(s, "cmd/prepare --config") {
		t.Errorf("printed:\n%s", s)
	}
	for _, args := range [][]string{{}, {"--out", dir, "--cells", "5x5"}, {"--out", dir, "--cells", "big"}, {"--out", dir, "--noise", "9"}, {"--out", "/", "--cells", "8x8"}} {
		if code := cli.Run(command(), args); code != 2 {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
	}
}
