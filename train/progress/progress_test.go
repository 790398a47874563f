package progress

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func plain(quiet bool) (*strings.Builder, *clock, Options) {
	var out strings.Builder
	c := &clock{time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
	return &out, c, Options{Out: &out, Quiet: quiet, now: c.now}
}

// Without a terminal a hundred steps of a second give a line every ten seconds,
// not a hundred, and each says what is left.
func TestPlainLinesAreRare(t *testing.T) {
	out, c, o := plain(false)
	b := NewBar(o, "encode", 100)
	for range 100 {
		c.t = c.t.Add(time.Second)
		b.Add(1)
	}
	b.Close()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 10 || lines[0] != "encode 10/100, 1m30s left" || lines[9] != "encode 100/100" {
		t.Errorf("got %q", lines)
	}
}

func TestTraining(t *testing.T) {
	out, c, o := plain(false)
	tr := NewTraining(o, 3, 4, 5) // resumed: epochs 3 and 4 are left
	for epoch := 3; epoch <= 4; epoch++ {
		for step := 1; step <= 5; step++ {
			c.t = c.t.Add(4 * time.Second)
			tr.Step(epoch, step, 0.5)
		}
		tr.Validated(epoch, 0.5, 0.25*float64(epoch-2), 0.1, 0.2, epoch == 3)
	}
	tr.Println("done")
	tr.Close()
	tr.Close()
	got := out.String()
	for _, want := range []string{
		"train 3/10 epoch 3/4 step 3/5 loss 0.5000, 28s left\n",
		"epoch 3/4  loss 0.5000  validation R2 0.2500  MAE 0.1000  RMSE 0.2000  best  (20s left)\n",
		"R2 0.2500, 8s left\n",
		"epoch 4/4  loss 0.5000  validation R2 0.5000  MAE 0.1000  RMSE 0.2000\n",
		"done\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "\r") || strings.Contains(got, "\x1b") {
		t.Errorf("control characters in plain output: %q", got)
	}
}

// Training that patience may end does not promise its last epoch.
func TestMayStop(t *testing.T) {
	out, c, o := plain(false)
	tr := NewTraining(o, 1, 3000, 1)
	tr.MayStop()
	c.t = c.t.Add(10 * time.Second)
	tr.Step(1, 1, 0.5)
	tr.Validated(1, 0.5, 0.25, 0.1, 0.2, true)
	if got := out.String(); strings.Count(got, "at most 8h19m left") != 2 {
		t.Errorf("got %q", got)
	}
}

func TestUndefinedR2(t *testing.T) {
	out, _, o := plain(false)
	tr := NewTraining(o, 1, 2, 1)
	tr.Validated(1, 0.5, math.NaN(), 0.1, 0.2, false)
	if got := out.String(); !strings.Contains(got, "R2 -") || strings.Contains(got, "NaN") {
		t.Errorf("got %q", got)
	}
}

func TestQuiet(t *testing.T) {
	out, c, o := plain(true)
	tr := NewTraining(o, 1, 2, 10)
	for step := 1; step <= 10; step++ {
		c.t = c.t.Add(time.Minute)
		tr.Step(1, step, 1)
	}
	tr.Validated(1, 1, 1, 1, 1, true)
	tr.Println("x")
	tr.Close()
	if out.Len() > 0 {
		t.Errorf("quiet wrote %q", out)
	}
}

// A file is no terminal.
func TestFileIsPlain(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !(Options{Out: f}).withDefaults().Plain {
		t.Error("a bar would go into a file")
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{45 * time.Second: "45s", 750 * time.Second: "12m30s", 11100 * time.Second: "3h05m", 0: "0s"} {
		if got := Duration(d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
