package page

import (
	"math"
	"strings"
	"testing"
)

func TestSince(t *testing.T) {
	nan := math.NaN()
	s := &Since{Name: "2013", Before: []float64{100, 50, nan, 10}, Now: []float64{120, 40, 7, 10}, Low: []float64{1.1, 0.5, nan, nan}, High: []float64{1.3, 1.2, nan, nan}}
	want := "Since 2013 the 3 cells that both predictions have went from 160 to 170 t CO₂ a year (+6.2 %): more in 1 of them, less in 1; in 1 of them the change is beyond what the model's errors explain."
	if got := s.sentence("tCO2/yr"); got != want {
		t.Errorf("%q", got)
	}
	s.Low, s.High = []float64{nan, nan, nan, nan}, []float64{nan, nan, nan, nan}
	if got := s.sentence("tCO2/yr"); strings.Contains(got, "beyond") {
		t.Errorf("%q", got)
	}
	if got := (&Since{Before: []float64{nan}, Now: []float64{1}, Low: []float64{nan}, High: []float64{nan}}).sentence(""); got != "" {
		t.Errorf("%q", got)
	}
}
