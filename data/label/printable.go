package label

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable writes a name as a terminal may have it: control characters, which
// could clear the screen or retitle the window, marks that turn the direction of
// writing, and bytes that are no text come as escapes (\x1b). Letters of every
// script stay.
func Printable(s string) string { return escape(s, false) }

// Lines is Printable for a text of several lines, whose ends and tabs stay.
func Lines(s string) string { return escape(s, true) }

func escape(s string, lines bool) string {
	clean := func(r rune) bool { return !dangerous(r) || lines && (r == '\n' || r == '\t') }
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case clean(r):
			b.WriteString(s[:n])
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

// dangerous says whether a terminal may do something else than show a character.
func dangerous(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return true
	case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069', r == '\u200E', r == '\u200F', r == '\u061C':
		return true
	}
	return false
}

// Few lists the first names for a message, long ones cut.
func Few(names []string, most int) string {
	list := make([]string, 0, most+1)
	for i, n := range names {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		if r := []rune(n); len(r) > 60 {
			n = string(r[:40]) + "…" + string(r[len(r)-19:])
		}
		list = append(list, n)
	}
	return strings.Join(list, ", ")
}
