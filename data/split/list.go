package split

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/store"
)

const listHelp = "The file has the columns cell, split, cells as col_row (or col, row, split), as predictions.csv has; split is train, validation, test or none."

// splitNames are the spellings that a list may use.
var splitNames = map[string]store.Split{
	"train": store.Train, "training": store.Train,
	"validation": store.Validation, "valid": store.Validation, "val": store.Validation,
	"test": store.Test, "testing": store.Test,
	"none": store.None, "": store.None,
}

// maxList bounds the file: some twenty million cells.
const maxList = 512 << 20

// byList takes the splits from a CSV file. Cells that it does not name are in
// no split; lines that name no cell of the region are counted, since the list
// may have been made for a bigger one.
func byList(spec Spec, in Input, r *Report) ([]store.Split, error) {
	b, err := regular.Read(spec.File, maxList)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fs.ErrNotExist, spec.File, "the list of splits does not exist", "Correct data.split.file.")
	case err != nil:
		return nil, fault.Wrap(err, spec.File, "the list of splits cannot be read", "Correct data.split.file.")
	}
	listed, err := parseList(spec.File, b)
	if err != nil {
		return nil, err
	}
	splits := make([]store.Split, len(in.Cells))
	found := 0
	for i, c := range in.Cells {
		s, ok := listed[c]
		if ok {
			found++
		}
		if ok && in.HasTarget[i] {
			splits[i] = s
		}
	}
	if found == 0 {
		example := "none"
		if len(in.Cells) > 0 {
			example = fmt.Sprintf("%d_%d", in.Cells[0].Col, in.Cells[0].Row)
		}
		return nil, fault.New(spec.File, fmt.Sprintf("none of its %d cells is a cell of the region", len(listed)),
			"Columns and rows count as the grid of data.grid does; the region's first cell is "+example+".")
	}
	r.Foreign = len(listed) - found
	r.Text = fmt.Sprintf("list %s: %d of its %d cells are in the region", spec.File, found, len(listed))
	return splits, nil
}

// parseList reads the text of a list; path is for messages.
func parseList(path string, text []byte) (map[store.Cell]store.Split, error) {
	text = bytes.TrimPrefix(text, []byte{0xEF, 0xBB, 0xBF})
	head, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n"), []byte{'\n'})
	r := csv.NewReader(bytes.NewReader(text))
	for _, c := range []byte{';', '\t'} {
		if bytes.Count(head, []byte{c}) > bytes.Count(head, []byte{byte(r.Comma)}) {
			r.Comma = rune(c)
		}
	}
	r.TrimLeadingSpace = true
	r.ReuseRecord = true
	names, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fault.New(path, "is empty", listHelp)
	}
	if err != nil {
		return nil, fault.Wrap(err, path, "is not a table", listHelp)
	}
	at := map[string]int{}
	for i, n := range names {
		at[strings.ToLower(strings.TrimSpace(n))] = i
	}
	cell, hasCell := at["cell"]
	col, hasCol := at["col"]
	row, hasRow := at["row"]
	split, hasSplit := at["split"]
	if !hasSplit || !hasCell && !(hasCol && hasRow) {
		return nil, fault.New(path, "lacks a column: it has "+some(names), listHelp)
	}
	listed := map[store.Cell]store.Split{}
	lines := map[store.Cell]int{}
	for {
		f, err := r.Read()
		if errors.Is(err, io.EOF) {
			if len(listed) == 0 {
				return nil, fault.New(path, "lists no cell", listHelp)
			}
			return listed, nil
		}
		if err != nil {
			return nil, fault.Wrap(err, path, "is a broken table", listHelp)
		}
		line, _ := r.FieldPos(0)
		fail := func(format string, args ...any) error {
			return fault.New(fmt.Sprintf("%s: line %d", path, line), fmt.Sprintf(format, args...), listHelp)
		}
		a, b, ok := "", "", true
		if hasCol && hasRow { // beside them cell may count tiles, as in tables of older versions
			a, b = f[col], f[row]
			if key := strings.TrimSpace(f[cell]); hasCell && strings.Contains(key, "_") && key != strings.TrimSpace(a)+"_"+strings.TrimSpace(b) {
				return nil, fail("cell %s is not column %s, row %s", key, a, b)
			}
		} else {
			a, b, ok = strings.Cut(f[cell], "_")
		}
		var c store.Cell
		var err1, err2 error
		c.Col, err1 = strconv.ParseInt(strings.TrimSpace(a), 10, 64)
		c.Row, err2 = strconv.ParseInt(strings.TrimSpace(b), 10, 64)
		if !ok || err1 != nil || err2 != nil {
			return nil, fail("%q is no cell", strings.Join(f, ","))
		}
		s, ok := splitNames[strings.ToLower(strings.TrimSpace(f[split]))]
		if !ok {
			return nil, fail("%q is no split", f[split])
		}
		if first, twice := lines[c]; twice {
			return nil, fail("cell %d_%d stands in line %d already", c.Col, c.Row, first)
		}
		listed[c], lines[c] = s, line
	}
}
