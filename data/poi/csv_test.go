package poi

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// scan reads a text with our scanner: its records, and the lines of broken ones.
func scan(t testing.TB, text string, comma byte, want int) (records [][]string, broken []int) {
	t.Helper()
	s := newScanner(bufio.NewReaderSize(strings.NewReader(text), maxRecordBytes), comma)
	for {
		fields, err := s.Read(want)
		switch {
		case errors.Is(err, io.EOF):
			return records, broken
		case errors.Is(err, errBroken):
			broken = append(broken, s.line)
		case err != nil:
			t.Fatal(err)
		default:
			var r []string
			for _, f := range fields {
				r = append(r, string(f))
			}
			records = append(records, r)
		}
	}
}

func TestScanner(t *testing.T) {
	long := strings.Repeat("x", maxRecordBytes)
	for _, c := range []struct {
		name, text string
		want       int
		records    [][]string
		broken     []int
	}{
		{"plain", "a,b\nc,d\n", 2, [][]string{{"a", "b"}, {"c", "d"}}, nil},
		{"no end of line", "a,b\nc,", 2, [][]string{{"a", "b"}, {"c", ""}}, nil},
		{"carriage returns", "a,b\r\n\r\nc,\"d\"\r\n", 2, [][]string{{"a", "b"}, {"c", "d"}}, nil},
		{"empty lines", "\n\na,b\n\nc,d\n\n", 2, [][]string{{"a", "b"}, {"c", "d"}}, nil},
		{"line break in quotes", "a,\"b\nc\"\nd,e\n", 2, [][]string{{"a", "b\nc"}, {"d", "e"}}, nil},
		{"line break kept as it is", "a,\"b\r\n\r\nc\"\r\nd,e\r\n", 2, [][]string{{"a", "b\r\n\r\nc"}, {"d", "e"}}, nil},
		{"delimiter and quote in quotes", "a,\"b,\"\"c\"\"\"\n", 2, [][]string{{"a", `b,"c"`}}, nil},
		{"empty quotes", "\"\",\"\"\n", 2, [][]string{{"", ""}}, nil},
		{"quote inside an unquoted field", "a,5\" pipe\nb,c\n", 2, [][]string{{"a", `5" pipe`}, {"b", "c"}}, nil},
		{"text after a closing quote", "a,\"b\"x\nc,d\n", 2, [][]string{{"c", "d"}}, []int{1}},
		{"too few fields", "a\nb,c\n", 2, [][]string{{"b", "c"}}, []int{1}},
		{"too many fields", "a,b,c\nb,c\n", 2, [][]string{{"b", "c"}}, []int{1}},
		{"empty fields at the end", "a,b,,\nb,c\n", 2, [][]string{{"a", "b"}, {"b", "c"}}, nil},
		{"a quote that is never closed costs one row", "a,\"b\nc,d\ne,f\n", 2, [][]string{{"c", "d"}, {"e", "f"}}, []int{1}},
		{"a quote closed by the next one that opens", "a,\"b\nc,d\ne,\"f\"\ng,h\n", 2, [][]string{{"c", "d"}, {"e", "f"}, {"g", "h"}}, []int{1}},
		{"a quote that joins rows to a wrong count", "a,\"b\nc\",d\ne,f\n", 2, [][]string{{`c"`, "d"}, {"e", "f"}}, []int{1}},
		{"broken rows among those read again", "a,\"b\nc\ne,\"f\n\ng,h", 2, [][]string{{"g", "h"}}, []int{1, 2, 3}},
		{"a line without end", "a,b\n" + long + long + "\nc,d\n", 2, [][]string{{"a", "b"}, {"c", "d"}}, []int{2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			records, broken := scan(t, c.text, ',', c.want)
			if !reflect.DeepEqual(records, c.records) || !reflect.DeepEqual(broken, c.broken) {
				t.Errorf("records %q, broken lines %v; want %q, %v", records, broken, c.records, c.broken)
			}
		})
	}
}

// A quote that is never closed is given up after so many lines; all of them are
// then read as rows.
func TestScannerGivesUp(t *testing.T) {
	text := "a,\"b\n" + strings.Repeat("c,d\n", 3*maxRecordLines)
	records, broken := scan(t, text, ',', 2)
	if len(records) != 3*maxRecordLines || len(broken) != 1 {
		t.Errorf("%d records, %d broken", len(records), len(broken))
	}
}

// FuzzScanner compares with encoding/csv wherever that finds nothing broken, and
// checks that no text makes the scanner panic, loop or lose lines.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{"a,b\nc,d\n", "a,\"b\nc\"\n", "\"\"\"\",b", "a,\"b\nc,d", "\r\n,\n\"", "a;b\n\"x\";\"y\"\"\"\n", "\xef\xbb\xbflon,lat\n1,2"} {
		f.Add(s, byte(','))
		f.Add(s, byte(';'))
	}
	f.Fuzz(func(t *testing.T, text string, comma byte) {
		if comma != ',' && comma != ';' && comma != '\t' && comma != '|' {
			return
		}
		records, broken := scan(t, text, comma, 0)
		if lines := strings.Count(text, "\n") + 1; len(records)+len(broken) > lines {
			t.Fatalf("%d records and %d broken rows of %d lines", len(records), len(broken), lines)
		}
		if strings.Contains(text, "\r") { // encoding/csv turns \r\n inside quotes into \n
			return
		}
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.FieldsPerRecord = rune(comma), -1
		want, err := r.ReadAll()
		if err != nil {
			return
		}
		if len(broken) > 0 || len(records) != len(want) || len(want) > 0 && !reflect.DeepEqual(records, want) {
			t.Fatalf("%q: %q, broken %v, want %q", text, records, broken, want)
		}
	})
}
