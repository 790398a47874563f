package bench

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// Every way gets a row with its rates; what the programs beside print is read.
func TestEncoder(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	peer := script("encoder.py", "echo 9.9\nwhile read what format; do case $what in train) echo 2 1;; *) echo 0.5 0.25;; esac; done\n")
	peak := script("peak", "#!/bin/sh\necho 'AVX9, float32, one core: 100 GFLOP/s'\n")
	table, err := Encoder(context.Background(), EncoderSpec{Size: 32, Batch: 2, Turns: 2, Threads: 1, Python: "/bin/sh", Script: peer, Peak: peak})
	if err != nil {
		t.Fatal(err)
	}
	if table.Peak != 100 || table.Peer != "9.9" || len(table.Rows) < 5 {
		t.Errorf("%+v", table)
	}
	for _, r := range table.Rows {
		if r.Evaluation <= 0 || r.Images <= 0 || r.Reached[0] <= 0 || r.Reached[1] <= 0 {
			t.Errorf("%+v", r)
		}
		if want := resNet18FLOPs(32) * 2 / 1e9 / 0.25; r.Peer && (r.Evaluation != 4 || r.Images != 1 || r.Reached[0] != want) {
			t.Errorf("%+v, want %v", r, want)
		}
	}
	var b bytes.Buffer
	if err := table.Print(&b); err != nil || !strings.Contains(b.String(), "| 1.00 | 1.00 |") || !strings.Contains(b.String(), "%)") {
		t.Errorf("%v: %s", err, b.String())
	}
}

func TestEncoderRefuses(t *testing.T) {
	good := EncoderSpec{Size: 32, Batch: 1, Turns: 1, Threads: 1}
	for what, change := range map[string]func(*EncoderSpec){
		"--size": func(s *EncoderSpec) { s.Size = 8 }, "--batch": func(s *EncoderSpec) { s.Batch = 0 }, "--rounds": func(s *EncoderSpec) { s.Turns = 0 },
		"encoder.py": func(s *EncoderSpec) { s.Python, s.Script = "/bin/sh", "encoder.py" },
		"/bin/false": func(s *EncoderSpec) { s.Python, s.Script = "/bin/false", "encoder_test.go" },
	} {
		s := good
		change(&s)
		if _, err := Encoder(context.Background(), s); !fault.IsInput(err) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
