package data

import (
	"context"
	"fmt"
	"io"

	"opencarbon/data/store"
)

// Splits is the account of the division into training, validation and test.
type Splits struct {
	Method     string `json:"method"` // for people
	Train      int    `json:"train"`  // cells, with or without target
	Validation int    `json:"validation"`
	Test       int    `json:"test"`
	None       int    `json:"none"`
}

type division struct {
	Splits  []store.Split
	account Splits
}

func (b *build) split(_ context.Context, keep []int) (division, error) {
	return division{Splits: make([]store.Split, len(keep)), account: Splits{Method: b.c.Split.Method}}, nil
}

func (r *Report) printSplit(w io.Writer, line liner) {
	fmt.Fprintf(w, "split (%s)\n", r.Split.Method)
	line("train", r.Split.Train)
	line("validation", r.Split.Validation)
	line("test", r.Split.Test)
}
