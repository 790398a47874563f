package native

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// Two points of targets -1 and 1: with room in C the tube's edges go through
// the points, so f = -1 + epsilon and 1 - epsilon there, 0 between them.
func TestSVRClosedForm(t *testing.T) {
	if err := SVMReady(); err != nil {
		t.Skip(err)
	}
	x, y := []float64{-1, 2, 1, 2}, []float64{-1, 1}
	rows, err := NewSVMRows(x, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	const epsilon, gamma = 0.1, 0.5
	f, err := rows.Train(t.Context(), y, x, SVR{C: 1000, Gamma: gamma, Epsilon: epsilon, Tolerance: 1e-8, CacheMB: 1})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[float64]float64{-1: -1 + epsilon, 0: 0, 1: 1 - epsilon} {
		if got := f.At(x, 2, []float64{at, 2}, gamma); math.Abs(got-want) > 1e-6 {
			t.Errorf("f(%g) = %g, want %g", at, got, want)
		}
	}
	// Of a tube wider than the targets nothing is left but the constant.
	if f, err = rows.Train(t.Context(), y, x, SVR{C: 1, Gamma: gamma, Epsilon: 2, Tolerance: 1e-3, CacheMB: 1}); err != nil || len(f.Vectors) != 0 {
		t.Errorf("%+v %v", f, err)
	}
	if _, err = rows.Train(t.Context(), y, x, SVR{C: -1, Gamma: gamma, Tolerance: 1e-3, CacheMB: 1}); err == nil {
		t.Error("C below 0 and no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = rows.Train(ctx, y, x, SVR{C: 1, Gamma: 1, Tolerance: 1e-3, CacheMB: 1}); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := NewSVMRows(x, 3, 2); err == nil {
		t.Error("4 numbers are 3 rows of 2")
	}
}

// plain is one tree that reaches its targets at once.
var plain = []Parameter{{"objective", "reg:squarederror"}, {"tree_method", "exact"}, {"base_score", "0"}, {"learning_rate", "1"}, {"lambda", "0"},
	{"max_depth", "1"}, {"min_child_weight", "0"}}

// One tree of one split gives the means of the two sides, and a second round
// nothing more.
func TestTreeClosedForm(t *testing.T) {
	if err := XGBReady(); err != nil {
		t.Skip(err)
	}
	m, err := NewMatrix([]float32{1, 2, 3, 10, 11, 12}, 6, 1, []float32{-1, 0, 1, 6, 8, 10})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := []float64{0, 0, 0, 8, 8, 8}
	var seen []int
	b, err := Boost(t.Context(), m, 5, plain, func(b *Booster, done int) (int, bool, error) {
		seen = append(seen, done)
		return 1, done == 2, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !slices.Equal(seen, []int{1, 2}) {
		t.Errorf("asked after rounds %v", seen)
	}
	bytes, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(bytes)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for name, b := range map[string]*Booster{"fitted": b, "loaded": again} {
		got, err := b.Predict(m)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-5 {
				t.Errorf("%s: row %d is %g, want %g", name, i, got[i], want[i])
			}
		}
	}
	for name, bad := range map[string][]byte{"empty": nil, "cut": bytes[:len(bytes)/2], "text": []byte("no model")} {
		if b, err := Load(bad); err == nil {
			b.Close()
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Boost(t.Context(), m, 1, []Parameter{{"tree_method", "nonsense"}}, nil); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a wrong parameter: %v", err)
	}
	stop := errors.New("stop")
	if _, err := Boost(t.Context(), m, 3, plain, func(*Booster, int) (int, bool, error) { return 0, false, stop }); err != stop {
		t.Errorf("an error after a round: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rounds := 0
	if _, err := Boost(ctx, m, 1000, plain, func(*Booster, int) (int, bool, error) {
		if rounds++; rounds == 3 {
			cancel()
		}
		return 1000, false, nil
	}); err != context.Canceled || rounds != 3 {
		t.Errorf("cancelled after %d rounds: %v", rounds, err)
	}
	if _, err := NewMatrix([]float32{1, 2}, 2, 1, []float32{1}); err == nil {
		t.Error("one target for two rows and no error")
	}
}

// What is not there, or is something else, is said with the way to get it.
func TestMissing(t *testing.T) {
	other := filepath.Join(t.TempDir(), "libother.so")
	if err := os.WriteFile(other, []byte("not a library"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*library{&libsvm, &xgboost} {
		for _, path := range []string{"/no/such/library.so", other, "libc.so.6"} {
			t.Setenv(l.variable, path)
			fresh := library{name: l.name, files: l.files, variable: l.variable, remedy: l.remedy, open: l.open}
			err := fresh.ready()
			if !fault.IsInput(err) || !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt-get install") || !strings.Contains(err.Error(), path) {
				t.Errorf("%s from %s: %v", l.name, path, err)
			}
			if again := fresh.ready(); again != err {
				t.Errorf("asked again: %v", again)
			}
		}
	}
}
