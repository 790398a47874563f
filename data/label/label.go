// Package label says when two names are the same: those of categories, districts
// and columns, which people write in one file and look up in another. Two names
// that look the same on a screen have to be the same here, or a run is refused
// with a list that shows the very name that was asked for.
//
// What a name means is not this room's business, nor is its case.
package label

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Of is the form of a name that is stored, shown and compared: without blanks
// and invisible marks at its ends, composed (Unicode NFC: "é" is one character,
// whether it was typed so or as "e" with an accent, as macOS writes file names),
// and a whole number without the ".0" that a table of floating-point numbers
// gave to a code (110101001.0).
func Of(s string) string {
	s = strings.TrimFunc(s, blank)
	if !norm.NFC.IsNormalString(s) {
		s = norm.NFC.String(s)
	}
	return whole(s)
}

// blank says whether a character at the end of a name cannot be seen: spaces of
// every width, and the marks that editors and web pages leave behind.
func blank(r rune) bool {
	switch r {
	case '\uFEFF', '\u200B', '\u2060':
		return true
	}
	return unicode.IsSpace(r)
}

// whole takes the zeros off a whole number: 3.0 is 3. Anything else stays, a
// version such as 1.10 too.
func whole(s string) string {
	digits, zeros, ok := strings.Cut(s, ".")
	if !ok || zeros == "" || strings.Trim(zeros, "0") != "" {
		return s
	}
	if d := strings.TrimPrefix(digits, "-"); d == "" || strings.Trim(d, "0123456789") != "" {
		return s
	}
	return digits
}
