// Package fault holds the one error type for what a user can mend: a file that
// is missing, a column that is not there, a key that is misspelt. Every package
// that reads a user's input returns these, and the commands turn them into one
// message and exit code 2. Nothing else belongs here.
package fault

import (
	"errors"
	"fmt"
	"strings"

	"opencarbon/data/label"
)

// Input is an error in what the user gave us. It says where the trouble is
// (file, key, row), what is wrong there, and how to mend it.
type Input struct {
	Where  string // file, config key or row, e.g. "poi.csv" or "data.poi.columns.lon"
	What   string // what is wrong
	Remedy string // how to mend it; may be empty only where What already says so
	Err    error  // underlying cause, or nil

	// Section of the experiment file that it is about, where Where is a file; empty:
	// Where says it.
	Section string
}

// New makes an Input error. The arguments are where, what and remedy, in the
// order in which a person reads them.
func New(where, what, remedy string) *Input {
	return &Input{Where: where, What: what, Remedy: remedy}
}

// Wrap makes an Input error that keeps its cause for errors.Is and errors.As.
func Wrap(err error, where, what, remedy string) *Input {
	return &Input{Where: where, What: what, Remedy: remedy, Err: err}
}

// Error implements error: "where: what: cause (remedy)".
func (e *Input) Error() string {
	s := e.head()
	if e.Err != nil {
		s = fmt.Sprintf("%s: %v", s, e.Err)
	}
	if e.Remedy != "" {
		s += "\n  " + e.Remedy
	}
	if e.Section != "" {
		s += "\n  The section of the experiment file: " + e.Section
	}
	return s
}

// head says where and what.
func (e *Input) head() string {
	if e.Where == "" {
		return e.What
	}
	return label.Printable(e.Where) + ": " + e.What // a file's name may hold anything
}

// Brief says what an error is, without what to do about it, for a place inside
// another sentence.
func Brief(err error) string {
	var in *Input
	if !errors.As(err, &in) {
		return err.Error()
	}
	if in.Err == nil {
		return in.head()
	}
	return in.head() + ": " + Brief(in.Err)
}

// Line is an error's text on one line, for a row of a table: its lines become
// sentences.
func Line(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		if line != "" && b.Len() > 0 {
			if !strings.HasSuffix(b.String(), ".") {
				b.WriteByte('.')
			}
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Input) Unwrap() error { return e.Err }

// IsInput reports whether err, or an error it wraps, is the user's to mend.
func IsInput(err error) bool {
	var in *Input
	return errors.As(err, &in)
}
