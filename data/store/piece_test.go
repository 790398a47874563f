package store

import (
	"slices"
	"testing"
)

func TestInOnePiece(t *testing.T) {
	cols := func(c ...int64) (cells []Cell) {
		for _, c := range c {
			cells = append(cells, Cell{c, 7})
		}
		return cells
	}
	for _, test := range []struct {
		columns   int64
		in, wants []Cell
	}{
		{100, cols(98, 99, 0, 1), cols(98, 99, 100, 101)},
		{100, cols(0, 99), cols(100, 99)},
		{100, cols(3, 4, 50), cols(3, 4, 50)},
		{100, cols(-50, -49, 48, 49), cols(50, 51, 48, 49)}, // a grid that counts from Greenwich
		{100, cols(0, 25, 50, 75), cols(0, 25, 50, 75)},     // the whole globe
		{100, cols(5), cols(5)},
		{0, cols(0, 99), cols(0, 99)}, // an open grid
		{100, nil, nil},
	} {
		if got := (GridSpec{Columns: test.columns}).InOnePiece(test.in); !slices.Equal(got, test.wants) {
			t.Errorf("%v: %v", test.in, got)
		}
	}
}
