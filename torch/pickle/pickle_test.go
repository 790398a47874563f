package pickle

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"

	gopickle "github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"
)

// plain writes a value as testdata/make_values.py does.
func plain(v any) string {
	join := func(items []any) string {
		var s []string
		for _, x := range items {
			s = append(s, plain(x))
		}
		return strings.Join(s, ",")
	}
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case int64:
		return fmt.Sprint(v)
	case *big.Int:
		return v.String()
	case float64:
		return fmt.Sprintf("f%016x", math.Float64bits(v))
	case string:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(v)
		return strings.TrimSpace(b.String())
	case *Bytes:
		return "b" + hex.EncodeToString(v.Data)
	case Tuple:
		return "(" + join(v) + ")"
	case *List:
		return "[" + join(v.Items) + "]"
	case *Dict:
		var s []string
		for _, e := range v.Entries {
			s = append(s, plain(e.Key)+":"+plain(e.Value))
		}
		return "{" + strings.Join(s, ",") + "}"
	case *Array:
		var s []string
		for i := range v.Len() {
			s = append(s, plain(v.At(i)))
		}
		return "array" + strings.ReplaceAll(fmt.Sprint(v.Shape), " ", ", ") + "[" + strings.Join(s, ",") + "]"
	}
	return fmt.Sprintf("%T", v)
}

func load(b []byte) (any, error) {
	return NewDecoder(bytes.NewReader(b), int64(len(b)), NewBudget(1<<24), Options{
		Find: func(module, name string) (any, error) { return Numpy{}.Find(module, name), nil },
	}).Load()
}

// TestValues reads what Python wrote, in every protocol, with NumPy 1 and 2.
func TestValues(t *testing.T) {
	for _, file := range []string{"values.json", "values_numpy2.json"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var cases map[string][]string // the content, then pickles of it
		if err := json.Unmarshal(text, &cases); err != nil {
			t.Fatal(err)
		}
		for name, c := range cases {
			for k, coded := range c[1:] {
				t.Run(fmt.Sprintf("%s/%s/%d", file, name, k), func(t *testing.T) {
					b, err := base64.StdEncoding.DecodeString(coded)
					if err != nil {
						t.Fatal(err)
					}
					checkValue(t, b, c[0])
				})
			}
		}
	}
}

func checkValue(t *testing.T, b []byte, want string) {
	v, err := load(b)
	if err != nil {
		t.Fatal(err)
	}
	got := plain(v)
	if got != want {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Errorf("differs at %d: got %.80q, want %.80q", at, got[at:], want[at:])
	}
	// The same where the source's length is not known.
	d := NewDecoder(bytes.NewReader(b), -1, NewBudget(1<<26), Options{Find: func(m, n string) (any, error) { return Numpy{}.Find(m, n), nil }})
	if v, err := d.Load(); err != nil || plain(v) != got {
		t.Errorf("as a stream: %v", err)
	}
}

// TestPython2 reads spellings that only Python 2 used.
func TestPython2(t *testing.T) {
	for text, want := range map[string]string{
		"(dp0\nS'a\\x41\\''\np1\nI01\nsS\"b\"\nL12L\ns.":            `{"aA'":True,"b":12}`,
		"(lp0\nI1\naF-2.5\na.":                                      "[1,fc004000000000000]",
		"\x80\x02]q\x01(U\x03abcT\x02\x00\x00\x00deK\x07e.":         `["abc","de",7]`,
		"\x80\x02ccollections\nOrderedDict\n]](U\x01aK\x01ea\x85R.": `{"a":1}`,
		"\x80\x02c__builtin__\nset\n]K\x03a\x85R.":                  "[3]",
		"\x80\x02(K\x01K\x02(K\x030K\x04t1K\x05.":                   "5",
		"\x80\x02cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbU\x04\x3f\x80\x00\x00\x86R.": "f3ff0000000000000",
	} {
		if v, err := load([]byte(text)); err != nil || plain(v) != want {
			t.Errorf("%q: got %s, %v, want %s", text, plain(v), err, want)
		}
	}
}

// TestRefused: what cannot be read says why.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "truncated",
		"\x80\x06.":              "protocol 6",
		"\x80\x02cos\nsystem\n.": `"os.system"`,
		"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.": `"builtins.eval"`,
		"\x80\x02cbuiltins\nint\n)R.":               "is called",
		"\x80\x02.":                                 "stack is empty",
		"\x80\x02(K\x010K\x01\x86.":                 "stack is empty",
		"\x80\x02h\x05.":                            "memo 5",
		"\x80\x02K\x01r\xff\xff\xff\xff.":           "out of turn",
		"\x80\x02t.":                                "mark is missing",
		"\x80\x02}(K\x01u.":                         "no value",
		"\x80\x02K\x01K\x02a.":                      "appended",
		"\x80\x02K\x01K\x02K\x03s.":                 "set in",
		"\x80\x02K\x01Q.":                           "outside",
		"\x80\x05\x97.":                             "not supported",
		"\x80\x02\xff.":                             "no pickle opcode",
		"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00utf-8\x86R.":                                                                                      "latin1",
		"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00U3K\x00K\x01\x87R.":                                                                                                    `"U3"`,
		"\x80\x04\x8c\x16numpy._core.multiarray\x8c\x0c_reconstruct\x93cnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\n\x8c\x02f8\x85R\x89C\x01xtb.": "has 1 bytes, not 16",
		"I12x\n.": "no int",
		"F1,5\n.": "no float",
		"Sx\n.":   "no quoted string",
	} {
		if _, err := load([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// TestRecycle: a byte string whose memory was given back cannot be reached.
func TestRecycle(t *testing.T) {
	big := strings.Repeat("x", maxLine+1)
	text := "\x80\x03]B\x01\x00\x01\x00" + big + "q\x00aB\x01\x00\x01\x00" + strings.Repeat("y", maxLine+1) + "ah\x00a."
	d := NewDecoder(strings.NewReader(text), int64(len(text)), NewBudget(1<<20), Options{})
	v, err := d.Load()
	if err != nil {
		t.Fatal(err)
	}
	first := v.(*List).Items[0].(*Bytes)
	if string(first.Data) != big || v.(*List).Items[2] != any(first) {
		t.Error("a shared byte string is not shared")
	}
	memory := &first.Data[0]
	d.Recycle(first)
	if b, err := d.bytes(maxLine+1, false); err == nil || b != nil { // the source is at its end
		t.Error("read beyond the end")
	}
	d.spare = nil
	d.Recycle(&Bytes{Data: make([]byte, maxLine+1)})
	if first.Data != nil || memory == nil {
		t.Error("the memory is still named")
	}
	d.memo = []any{first}
	if err := d.get(0); err == nil {
		t.Error("a byte string that is gone was read")
	}
}

func TestEncode(t *testing.T) {
	root := &Dict{Ordered: true, Attrs: &Dict{Entries: []Entry{{"version", int64(1)}}}}
	root.Set("ints", &List{Items: []any{int64(1), int64(-1 << 40), new(big.Int).Lsh(big.NewInt(-1), 200), 7}})
	root.Set("tuple", Tuple{Tuple{}, "北", 0.1, nil, true})
	root.Set("tuple", Tuple{Tuple{}, "京", 0.1, nil, false}) // replaces
	b, err := (&Encoder{}).Encode(root)
	if err != nil {
		t.Fatal(err)
	}
	v, err := load(b)
	if err != nil || plain(v) != plain(&Dict{Entries: []Entry{{"ints", &List{Items: []any{int64(1), int64(-1 << 40), new(big.Int).Lsh(big.NewInt(-1), 200), int64(7)}}},
		{"tuple", Tuple{Tuple{}, "京", 0.1, nil, false}}}}) {
		t.Errorf("got %s, %v", plain(v), err)
	}
	if d := v.(*Dict); !d.Ordered || d.Attrs == nil || len(d.Attrs.Entries) != 1 {
		t.Errorf("the kind of dict is lost: %+v", d)
	}
	if _, err := (&Encoder{}).Encode(struct{}{}); err == nil {
		t.Error("a struct was written")
	}
}

func TestBudget(t *testing.T) {
	b := NewBudget(10)
	if b.Take(10) != nil || !errors.Is(b.Take(1), ErrMemory) || !errors.Is(b.Take(-1), ErrMemory) {
		t.Error("a budget of 10 is not 10")
	}
}

func TestHalf(t *testing.T) {
	for h, want := range map[uint16]float64{0: 0, 1: 0x1p-24, 0x3ff: 1023 * 0x1p-24, 0x400: 0x1p-14, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1)} {
		if got := half(h); got != want {
			t.Errorf("%04x: %v, want %v", h, got, want)
		}
	}
	if !math.IsNaN(half(0x7c01)) {
		t.Error("a NaN is a number")
	}
}

// TestOtherReader lets an implementation that is not ours read what Encode
// writes, without a Python.
func TestOtherReader(t *testing.T) {
	root := &Dict{Entries: []Entry{{"name", "北京"}, {"list", &List{Items: []any{int64(1 << 40), -2.5, nil, true}}}, {"pair", Tuple{int64(3), "x"}}}}
	b, err := (&Encoder{}).Encode(root)
	if err != nil {
		t.Fatal(err)
	}
	v, err := gopickle.Loads(string(b))
	if err != nil {
		t.Fatal(err)
	}
	d, ok := v.(*types.Dict)
	if !ok {
		t.Fatalf("a %T", v)
	}
	name, _ := d.Get("name")
	list, _ := d.Get("list")
	pair, _ := d.Get("pair")
	if name != "北京" || fmt.Sprint(list) != fmt.Sprint(&types.List{1 << 40, -2.5, nil, true}) || fmt.Sprint(pair) != fmt.Sprint(&types.Tuple{3, "x"}) {
		t.Errorf("got %v, %v, %v", name, list, pair)
	}
}
