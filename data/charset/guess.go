package charset

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Guess names the encoding of a sample of text. rival is another that is nearly
// as likely, or empty: then somebody has to say.
//
// Text that is valid UTF-8 is UTF-8: no other encoding gives that by chance.
// What is left is judged by how likely each encoding makes the characters that
// are there: each has a small zone of common characters (the syllables, the
// frequent ideographs, which the standards put first), and text in one encoding
// falls outside the zones of the others. What repeats says nothing new, and weighs
// accordingly. (The idea is that of Li and Momoi, "A
// composite approach to language/encoding detection", 2001, without tables.)
func Guess(sample []byte) (name, rival string) {
	switch {
	case bytes.HasPrefix(sample, []byte{0xEF, 0xBB, 0xBF}):
		return "utf-8", ""
	case bytes.HasPrefix(sample, []byte{0xFF, 0xFE}), bytes.HasPrefix(sample, []byte{0xFE, 0xFF}):
		return "utf-16", ""
	}
	if little, big := nulls(sample); little+big > 0 {
		switch { // tables are mostly digits and commas: every other byte is 0
		case little > 8*big && 3*little > len(sample)/2:
			return "utf-16le", ""
		case big > 8*little && 3*big > len(sample)/2:
			return "utf-16be", ""
		}
		return "utf-8", "" // no text; the reader says so
	}
	if utf8.Valid(Uncut(sample)) {
		return "utf-8", ""
	}
	best, second := math.Inf(-1), math.Inf(-1)
	for _, z := range zones {
		switch s := z.score(sample); {
		case s > best:
			best, second, name, rival = s, best, z.name, name
		case s > second:
			second, rival = s, z.name
		}
	}
	if best-second > surely {
		rival = ""
	}
	return name, rival
}

// surely is the difference of two log-likelihoods from which the better one is
// taken: odds of 7 to 1, after the priors.
const surely = 2

// Uncut cuts a character off the sample's end that the sample broke.
func Uncut(b []byte) []byte {
	for k := 1; k <= 3 && k <= len(b); k++ {
		if utf8.RuneStart(b[len(b)-k]) {
			if !utf8.FullRune(b[len(b)-k:]) {
				return b[:len(b)-k]
			}
			break
		}
	}
	return b
}

// nulls counts zero bytes at odd places (little endian) and at even ones.
func nulls(b []byte) (little, big int) {
	for i, c := range b {
		if c == 0 && i%2 == 1 {
			little++
		} else if c == 0 {
			big++
		}
	}
	return little, big
}

// zone describes an encoding by where its common characters are.
type zone struct {
	name  string
	prior float64 // log: points of interest come in Chinese more often
	// next takes a character from the front of b, which begins with a byte of
	// 0x80 or more: its length, and whether it is common, known, or none (-1).
	next         func(b []byte) (size, kind int)
	common, rest float64 // number of characters that are common, and of others
}

// Kinds of characters.
const (
	broken = iota - 1
	known
	common
)

func in(b byte, lo, hi byte) bool { return b >= lo && b <= hi }

// double is the shape of an encoding of one or two bytes.
func double(lead, trail func(byte) bool, isCommon func(a, b byte) bool) func([]byte) (int, int) {
	return func(b []byte) (int, int) {
		if len(b) < 2 || !lead(b[0]) || !trail(b[1]) {
			return 1, broken
		}
		if isCommon(b[0], b[1]) {
			return 2, common
		}
		return 2, known
	}
}

func euc(b byte) bool { return in(b, 0xA1, 0xFE) }

var zones = []zone{
	{name: "gb18030", prior: 4, common: 40 * 94, rest: 20000, next: func(b []byte) (int, int) {
		if len(b) >= 4 && in(b[0], 0x81, 0xFE) && in(b[1], '0', '9') && in(b[2], 0x81, 0xFE) && in(b[3], '0', '9') {
			return 4, known
		}
		return gbk(b)
	}},
	{name: "big5", prior: 1, common: 35 * 157, rest: 8000, next: double(
		func(a byte) bool { return in(a, 0xA1, 0xF9) },
		func(b byte) bool { return in(b, 0x40, 0x7E) || euc(b) },
		func(a, b byte) bool { return in(a, 0xA4, 0xC6) })},
	{name: "shift_jis", prior: 1, common: 170 + 16*188, rest: 5000, next: func(b []byte) (int, int) {
		if in(b[0], 0xA1, 0xDF) { // half a katakana's width: of old
			return 1, known
		}
		return shiftJIS(b)
	}},
	{name: "euc-jp", common: 170 + 32*94, rest: 5000, next: double(
		func(a byte) bool { return euc(a) || a == 0x8E },
		euc,
		func(a, b byte) bool { return in(a, 0xA4, 0xA5) && in(b, 0xA1, 0xF6) || in(a, 0xB0, 0xCF) })},
	{name: "euc-kr", common: 25 * 94, rest: 14000, next: double(
		func(a byte) bool { return in(a, 0x81, 0xFE) },
		func(b byte) bool { return in(b, 0x41, 0x5A) || in(b, 0x61, 0x7A) || in(b, 0x81, 0xFE) },
		func(a, b byte) bool { return in(a, 0xB0, 0xC8) && euc(b) })},
	{name: "windows-1252", common: 64, rest: 64, next: func(b []byte) (int, int) {
		// Letters with accents stand alone among others without.
		if len(b) > 1 && b[1] >= 0x80 || b[0] < 0xC0 && b[0] != 0x92 {
			return 1, known
		}
		return 1, common
	}},
}

var gbk = double(
	func(a byte) bool { return in(a, 0x81, 0xFE) },
	func(b byte) bool { return in(b, 0x40, 0x7E) || in(b, 0x80, 0xFE) },
	func(a, b byte) bool { return in(a, 0xB0, 0xD7) && euc(b) })

var shiftJIS = double(
	func(a byte) bool { return in(a, 0x81, 0x9F) || in(a, 0xE0, 0xFC) },
	func(b byte) bool { return in(b, 0x40, 0x7E) || in(b, 0x80, 0xFC) },
	func(a, b byte) bool {
		return a == 0x82 && in(b, 0x9F, 0xF1) || a == 0x83 && in(b, 0x40, 0x96) || in(a, 0x88, 0x97)
	})

// score is the log-likelihood of the sample's characters, weighed by how many of
// its pairs of bytes are new.
func (z *zone) score(sample []byte) float64 {
	// Most characters of real text are common; one in 10,000 may be damaged.
	often, seldom, damaged := math.Log(0.95/z.common), math.Log(0.05/z.rest), math.Log(1e-4/65536)
	sum := 0.0
	for i := 0; i < len(sample); {
		if sample[i] < 0x80 {
			i++
			continue
		}
		size, kind := z.next(sample[i:])
		i += size
		switch {
		case kind == common:
			sum += often
		case kind == known:
			sum += seldom
		case i < len(sample): // else the sample's end broke it
			sum += damaged
		}
	}
	return z.prior + sum*novelty(sample)
}

// novelty is the share of pairs that had not come before, of those that begin
// with a byte of 0x80 or more.
func novelty(sample []byte) float64 {
	seen := map[[2]byte]bool{}
	all := 0
	for i := 0; i+1 < len(sample); i++ {
		if sample[i] >= 0x80 {
			all++
			seen[[2]byte(sample[i:])] = true
		}
	}
	return float64(len(seen)) / float64(max(all, 1))
}
