package sheet

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"
)

func TestCells(t *testing.T) {
	for in, want := range map[string]string{
		`=HYPERLINK("http://x","y")`: `'=HYPERLINK("http://x","y")`,
		"+cmd|' /C calc'!A0":         "'+cmd|' /C calc'!A0",
		"-2+3+cmd|' /C calc'!A0":     "'-2+3+cmd|' /C calc'!A0",
		"@SUM(1)":                    "'@SUM(1)",
		"\t=1":                       "'\t=1",
		"\r=1":                       "'\r=1",
		"＝1+1":                       "'＝1+1",
		"=":                          "'=",
		"-":                          "-",
		"-5.25e-3":                   "-5.25e-3",
		"+7":                         "+7",
		"-Inf":                       "-Inf",
		"-5_12":                      "-5_12",
		"29072_-3":                   "29072_-3",
		"cafe":                       "cafe",
		"a=b":                        "a=b",
		"":                           "",
		"'=1":                        "'=1",
		"餐饮":                         "餐饮",
	} {
		if got := Cell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	row := []string{"=1", "-1", "a,b"}
	w := NewWriter(&b)
	if err := w.WriteAll([][]string{row, {"x"}}); err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(&b)
	r.FieldsPerRecord = -1
	got, err := r.ReadAll()
	if err != nil || !slices.Equal(got[0], []string{"'=1", "-1", "a,b"}) || row[0] != "=1" {
		t.Errorf("%q %v; the caller's row is %q", got, err, row)
	}
}
