package label

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestOf(t *testing.T) {
	for in, want := range map[string]string{
		"cafe":                 "cafe",
		" cafe\t":              "cafe",
		"cafe\u0301":           "caf\u00e9", // e and a combining accent
		"caf\u00e9":            "caf\u00e9",
		"\u1112\u1161\u11ab":   "\ud55c", // Hangul letters and their syllable
		"\u30cf\u309a":         "\u30d1", // Katakana HA with a mark, and PA
		"\u0418\u0306":         "\u0419", // Cyrillic
		"A\u030angstro\u0308m": "\u00c5ngstr\u00f6m",
		"\u3000餐饮\u3000":       "餐饮",
		"\ufeffid\u200b":       "id",
		"110101001.0":          "110101001",
		"3.000":                "3",
		"-7.0":                 "-7",
		"007.0":                "007",
		"3.50":                 "3.50",
		"1.10":                 "1.10",
		"v1.0":                 "v1.0",
		"1.0.0":                "1.0.0",
		".0":                   ".0",
		"-.0":                  "-.0",
		"3.":                   "3.",
		"":                     "",
		"\uff21":               "\uff21", // a wide A is another character
	} {
		if got := Of(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add(" e\u0301\u200b")
	f.Add("12.00")
	f.Fuzz(func(t *testing.T, s string) {
		once := Of(s)
		if twice := Of(once); utf8.ValidString(s) && twice != once {
			t.Errorf("%q became %q, and that %q", s, once, twice)
		}
	})
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"cafe 餐饮 ñ 😀":           "cafe 餐饮 ñ 😀",
		"\x1b[2Jgone":           `\x1b[2Jgone`,
		"\x1b]0;title\x07":      `\x1b]0;title\x07`,
		"a\nb\tc\r":             `a\x0ab\x09c\x0d`,
		"\u009b31m":             `\x9b31m`,
		"\x9b31m":               `\x9b31m`,
		"\x7f":                  `\x7f`,
		"a\u202egnp.exe":        `a\u202egnp.exe`,
		"\u2066x\u2069 \u2028y": `\u2066x\u2069 \u2028y`,
		"":                      "",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Lines("a\n\tb\x1b[1m\r\n"); got != "a\n\tb\\x1b[1m\\x0d\n" {
		t.Errorf("lines: %q", got)
	}
}

func TestFew(t *testing.T) {
	long := strings.Repeat("x", 300) + " (7)"
	if got := Few([]string{"a", long, "c", "d"}, 3); !strings.HasPrefix(got, "a, xxx") || !strings.HasSuffix(got, "x (7), c, and 1 more") || len(got) > 100 {
		t.Errorf("%q", got)
	}
}
