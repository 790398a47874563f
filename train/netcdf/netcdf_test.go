package netcdf

import (
	"bytes"
	"encoding/hex"
	"io"
	"strings"
	"testing"
)

// A small file, byte for byte as the specification has it; netCDF4 reads it.
func TestBytes(t *testing.T) {
	f := File{Dims: []Dim{{"x", 3}}, Attributes: []Attribute{{"title", "hello"}}, Variables: []Variable{
		{Name: "flag", Dims: []string{"x"}, Attributes: []Attribute{{"_FillValue", int8(-1)}}, Values: []int8{1, 0, -1}},
		{Name: "crs", Values: []int32{7}},
		{Name: "v", Dims: []string{"x"}, Attributes: []Attribute{{"p", []float64{1, 2}}}, Values: Later{3, func() ([]float64, error) { return []float64{1, -2, 0.5}, nil }}},
	}}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"43444602", "00000000",
		"0000000a00000001", "00000001", "78000000", "00000003",
		"0000000c00000001", "00000005", "7469746c65000000", "00000002", "00000005", "68656c6c6f000000",
		"0000000b00000003",
		"00000004", "666c6167", "00000001", "00000000",
		"0000000c00000001", "0000000a", "5f46696c6c56616c75650000", "00000001", "00000001", "ff000000",
		"00000001", "00000004", "00000000000000f8",
		"00000003", "63727300", "00000000", "0000000000000000", "00000004", "00000004", "00000000000000fc",
		"00000001", "76000000", "00000001", "00000000",
		"0000000c00000001", "00000001", "70000000", "00000006", "00000002", "3ff00000000000004000000000000000",
		"00000006", "00000018", "0000000000000100",
		"0100ff00", "00000007", "3ff0000000000000c0000000000000003fe0000000000000",
	}, "")
	if got := hex.EncodeToString(b.Bytes()); got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
}

func TestRefused(t *testing.T) {
	x := []Dim{{"x", 2}}
	for want, f := range map[string]File{
		"no dimension":        {Variables: []Variable{{Name: "v", Dims: []string{"x"}, Values: []float64{1}}}},
		"1 values":            {Dims: x, Variables: []Variable{{Name: "v", Dims: []string{"x"}, Values: []float64{1}}}},
		"1 values were made":  {Dims: x, Variables: []Variable{{Name: "v", Dims: []string{"x"}, Values: Later{2, func() ([]float64, error) { return []float64{1}, nil }}}}},
		"[]string cannot":     {Variables: []Variable{{Name: "v", Values: []string{"a"}}}},
		"variable \"a b\"":    {Variables: []Variable{{Name: "a b", Values: []float64{1}}}},
		"dimension \"x\"":     {Dims: append(x, x...)},
		"attribute u":         {Attributes: []Attribute{{"u", 1}}},
		"attribute \"\"":      {Attributes: []Attribute{{"", "x"}}},
		"dimension \"y\" of ": {Dims: []Dim{{"y", 0}}},
	} {
		if err := f.Write(io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
