package checkpoint

import (
	"math"
	"path/filepath"
	"reflect"
	"testing"
)

// What a checkpoint says of where it may be trusted outlives the file, and goes over
// to a checkpoint of the same cells; one that has nothing to say says nothing.
func TestTrust(t *testing.T) {
	path := filepath.Join(t.TempDir(), "best.safetensors")
	c := made(path)
	if c.Domain() != nil || c.Strange() != nil {
		t.Error("a checkpoint without a domain has one")
	}
	(&Trust{Why: "all cells are alike"}).Keep(c)
	if c.Header.Domain != nil {
		t.Error("nothing to say, and yet it is kept")
	}
	h := DomainHeader{View: "X_g", MeanDistance: 1, Threshold: 0.5, Training: 3}
	trust := NewTrust(h, []float32{-1, -1, 0, 0, 1, 1}, 2) // of unit spread, which is what distances are measured in
	trust.Validate([]float64{0.25, 2})
	trust.Keep(c)
	if err := c.Write(); err != nil {
		t.Fatal(err)
	}
	read, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	other := made(path)
	other.TrustLike(read)
	for name, k := range map[string]*Checkpoint{"read back": read, "another of the same cells": other} {
		if !reflect.DeepEqual(*k.Header.Domain, h) || !reflect.DeepEqual(k.Strange(), []float64{0.25, 2}) {
			t.Errorf("%s: %+v, %v", name, k.Header.Domain, k.Strange())
		}
		if o := k.Domain(); o == nil || o.D != 2 {
			t.Errorf("%s: no domain", name)
		} else if index := o.Index([]float32{0, 0, 0, 1}); math.Abs(index[0]) > 1e-6 || math.Abs(index[1]-1) > 1e-6 {
			t.Errorf("%s: index %v of a training cell and of one at the mean distance from it", name, index)
		}
	}
	c.Header.ValidationErrors = nil // weights that have moved since
	if c.Strange() != nil {
		t.Error("indices without errors")
	}
	for _, spoil := range []func(){
		func() { a := read.Arrays[domainFeatures]; a.DType = "F64"; read.Arrays[domainFeatures] = a },
		func() { delete(read.Arrays, domainFeatures) },
	} {
		if spoil(); read.Domain() != nil {
			t.Error("a domain of no features")
		}
	}
}
