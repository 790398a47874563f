package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// golden is written by torch/testdata/generate.py.
const golden = "../testdata/types.safetensors"

// TestPython reads what Python wrote, and writes what Python wrote.
func TestPython(t *testing.T) {
	f, err := ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"city": "Köln", "quote": "\"'<&>"}; !reflect.DeepEqual(f.Metadata, want) {
		t.Errorf("metadata %q, want %q", f.Metadata, want)
	}
	for name, want := range map[string]Array{
		"f32": {"F32", []int{2, 3}, nil}, "f64": {"F64", []int{3}, nil}, "f16": {"F16", []int{4}, nil}, "i64": {"I64", []int{2}, nil},
		"i32": {"I32", []int{2}, nil}, "i16": {"I16", []int{2}, nil}, "i8": {"I8", []int{2}, nil}, "u8": {"U8", []int{2}, nil},
		"bool": {"BOOL", []int{2}, []byte{1, 0}}, "empty": {"F32", []int{0, 3}, []byte{}}, "scalar": {"F32", []int{}, []byte{0, 0, 0x20, 0x40}},
	} {
		a := f.Arrays[name]
		if a.DType != want.DType || fmt.Sprint(a.Shape) != fmt.Sprint(want.Shape) || (want.Data != nil && !bytes.Equal(a.Data, want.Data)) {
			t.Errorf("%s: %+v, want %+v", name, a, want)
		}
	}
	if v := math.Float32frombits(binary.LittleEndian.Uint32(f.Arrays["f32"].Data)); v == 0 || math.Abs(float64(v)) > 10 {
		t.Errorf("the first of f32 is %v", v)
	}
	// The data part is byte for byte Python's: both write in the order of names.
	var ours bytes.Buffer
	if err := Write(&ours, f); err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := data(ours.Bytes()), data(theirs); !bytes.Equal(a, b) {
		t.Errorf("%d bytes of data, Python wrote %d others", len(a), len(b))
	}
	if binary.LittleEndian.Uint64(ours.Bytes())%8 != 0 {
		t.Error("the data is not aligned")
	}
	again, err := Read(bytes.NewReader(ours.Bytes()), int64(ours.Len()))
	if err != nil || !reflect.DeepEqual(again, f) {
		t.Errorf("round trip: %v", err)
	}
}

func data(file []byte) []byte { return file[8+binary.LittleEndian.Uint64(file):] }

func file(header string, body int) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, body)...)
}

// TestHostile holds broken and malicious files to an error that says what is
// wrong, with nothing of the claimed size allocated.
func TestHostile(t *testing.T) {
	long := strings.Repeat(`"x":"",`, 1000)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":                {nil, "too short"},
		"header beyond file":   {[]byte{255, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, "claims 255"},
		"absurd header":        {bytes.Repeat([]byte{255}, 16), "claims"},
		"header with sign bit": {[]byte{0, 0, 0, 0, 0, 0, 0, 128, 1, 2}, "claims"},
		"no header":            {file("", 0), "not a JSON object"},
		"list":                 {file("[]", 0), "not a JSON object"},
		"cut off":              {file(`{"a":`, 0), "not JSON"},
		"text after":           {file(`{}x`, 0), "not JSON"},
		"deep":                 {file(`{"a":`+strings.Repeat("[", 20000), 0), "not JSON"},
		"number as entry":      {file(`{"a":1}`, 0), `"a"`},
		"unknown dtype":        {file(`{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}`, 1), "F8"},
		"unknown field":        {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 1), "unknown field"},
		"negative size":        {file(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 1), "impossible"},
		"fraction":             {file(`{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}`, 1), `"a"`},
		"overflow":             {file(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, 0), "impossible"},
		"beyond the data":      {file(`{"a":{"dtype":"U8","shape":[1000000000000],"data_offsets":[0,1000000000000]}}`, 4), "do not fit"},
		"size and offsets":     {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), "do not fit"},
		"offsets reversed":     {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}}`, 4), "do not fit"},
		"negative offset":      {file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[-1,1]}}`, 4), "do not fit"},
		"overlap":              {file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), "overlap"},
		"hole":                 {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "hole"},
		"surplus data":         {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 9), "account for 1"},
		"name twice":           {file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), "twice"},
		"escaped name twice":   {file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), "twice"},
		"metadata of numbers":  {file(`{"__metadata__":{"a":1}}`, 0), "not text"},
		"metadata null":        {file(`{"__metadata__":null}`, 0), "not an object"},
		"metadata key twice":   {file(`{"__metadata__":{`+long[:len(long)-1]+`}}`, 0), "twice"},
		"long description":     {file(`{"a":{"dtype":"U8","shape":[`+strings.Repeat("1,", 5000)+`1],"data_offsets":[0,1]}}`, 1), "description"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(c.file), int64(len(c.file)))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "safetensors: ") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestWhiteSpace: any spelling of the JSON is understood.
func TestWhiteSpace(t *testing.T) {
	text := " {\n\t\"a\\\"}\" : { \"shape\" : [ 2 ] , \"dtype\":\"U8\" ,\r\n\"data_offsets\" : [ 0 , 2 ] } , \"__metadata__\" : { \"k\" : \"v}\\\\\" } } "
	raw := file(text[1:], 2) // the format wants the brace first
	f, err := Read(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(f.Arrays[`a"}`].Data) != 2 || f.Metadata["k"] != `v}\` {
		t.Errorf("%v: %+v", err, f)
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAllocation: a header of megabytes, made to blow up when decoded,
// costs at most twice its size and 64 MiB, all garbage included.
func TestAllocation(t *testing.T) {
	const n = 100_000
	var entries, keys, deep strings.Builder
	for i := range n {
		fmt.Fprintf(&entries, `"%x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`, i)
		fmt.Fprintf(&keys, `"%x":"",`, i)
	}
	deep.WriteString(strings.Repeat(`1,`, 2<<20))
	for name, text := range map[string]string{
		"many arrays":   `{` + entries.String() + `"z":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`,
		"many keys":     `{"__metadata__":{` + keys.String() + `"z":""}}`,
		"long shape":    `{"a":{"dtype":"U8","shape":[` + deep.String() + `1],"data_offsets":[0,1]}}`,
		"long metadata": `{"__metadata__":{"a":"` + strings.Repeat("x", 8<<20) + `"}}`,
	} {
		raw := file(text, 0)
		if got, limit := allocated(func() { Read(bytes.NewReader(raw), int64(len(raw))) }), uint64(2*len(raw)+64<<20); got > limit {
			t.Errorf("%s: %d MiB allocated for a file of %d MiB", name, got>>20, len(raw)>>20)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, a := range map[string]Array{
		"short data":    {"F32", []int{2}, make([]byte, 4)},
		"unknown dtype": {"F8", []int{2}, make([]byte, 2)},
		"negative size": {"U8", []int{-2}, nil},
	} {
		if err := Write(&bytes.Buffer{}, File{Arrays: map[string]Array{"a": a}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := Write(&bytes.Buffer{}, File{Arrays: map[string]Array{"__metadata__": {"U8", []int{0}, nil}}}); err == nil {
		t.Error("an array named __metadata__: no error")
	}
}

// FuzzRead: no bytes make Read panic or allocate beyond its bound, and what it
// accepts survives a round trip.
func FuzzRead(f *testing.F) {
	whole, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"F32","shape":[],"data_offsets":[2,6]}}`, 6))
	f.Add(file(`{"__metadata__":{"a":"b\"}\\"}}`, 0))
	f.Add(file(`{}`, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got File
		var err error
		if n := allocated(func() { got, err = Read(bytes.NewReader(raw), int64(len(raw))) }); n > uint64(2*len(raw)+64<<20) {
			t.Fatalf("%d bytes allocated for a file of %d", n, len(raw))
		}
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := Write(&out, got); err != nil {
			t.Fatalf("accepted, but cannot be written: %v", err)
		}
		again, err := Read(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil || len(again.Arrays) != len(got.Arrays) {
			t.Fatalf("round trip: %v", err)
		}
	})
}
