package tbevents

import (
	"math"
	"testing"
	"time"
)

// Values keep their kinds, and a hyperparameter that cannot be shown is an error.
// (tensorboard's own reader says so too: train/formats_live_test.go.)
func TestHParams(t *testing.T) {
	dir := t.TempDir()
	w, err := create(dir, func() time.Time { return time.Unix(1_700_000_000, 0) })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.HParams("demo", []Param{{"a", 3}, {"b", "x"}, {"c", true}}, []string{"test/R2"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Finished(); err != nil {
		t.Fatal(err)
	}
	if err := w.HParams("demo", []Param{{"a", []int{1}}}, nil); err == nil {
		t.Error("a list was taken")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	e := events(t, dir)
	if len(e) != 4 {
		t.Fatalf("%d events", len(e))
	}
	content := func(i int, path ...int) field { return get(t, e[i], append([]int{5, 1, 9, 1, 2}, path...)...) }
	if tag, plugin := get(t, e[1], 5, 1, 1), get(t, e[1], 5, 1, 9, 1, 1); string(tag.bytes) != "_hparams_/experiment" || string(plugin.bytes) != "hparams" {
		t.Errorf("%s of %s", tag.bytes, plugin.bytes)
	}
	if got := string(content(1, 2, 5, 1, 2).bytes); got != "test/R2" {
		t.Errorf("metric %q", got)
	}
	if name, kind := content(1, 2, 4, 1), content(1, 2, 4, 4); string(name.bytes) != "a" || kind.value != typeFloat {
		t.Errorf("%s is of type %d", name.bytes, kind.value)
	}
	if key, v := content(2, 3, 1, 1), content(2, 3, 1, 2, 2); string(key.bytes) != "a" || math.Float64frombits(v.value) != 3 {
		t.Errorf("%s is %v", key.bytes, v)
	}
	if got := string(content(2, 3, 4).bytes); got != "demo" {
		t.Errorf("group %q", got)
	}
	if got := content(3, 4, 1).value; got != statusSuccess {
		t.Errorf("status %d", got)
	}
}
