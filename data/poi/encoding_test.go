package poi

import (
	"bytes"
	"compress/gzip"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// Tables in the encodings of their languages are read as their UTF-8 is, whether
// the encoding is declared or not, and whatever wraps them.
func TestEncodings(t *testing.T) {
	for name, c := range map[string]struct {
		e    encoding.Encoding
		text string
	}{
		"gb18030":   {simplifiedchinese.GB18030, "经度,纬度,大类,名称\n10.05,51.55,餐饮服务,广州酒家\n10.06,51.54,餐饮服务,点都德茶楼\n10.99,51.01,生活服务,\"营业厅,\n二层\"\n"},
		"gbk":       {simplifiedchinese.GBK, "经度\t纬度\t大类\n10.05\t51.55\t餐饮服务\n10.06\t51.54\t餐饮服务\n10.99\t51.01\t生活服务\n"},
		"big5":      {traditionalchinese.Big5, "經度,緯度,類別\n10.05,51.55,餐飲服務\n10.06,51.54,餐飲服務\n10.99,51.01,便利商店\n"},
		"shift_jis": {japanese.ShiftJIS, "経度,緯度,種別\n10.05,51.55,レストラン\n10.06,51.54,レストラン\n10.99,51.01,コンビニ\n"},
		"euc-kr":    {korean.EUCKR, "경도,위도,업종\n10.05,51.55,음식점\n10.06,51.54,음식점\n10.99,51.01,편의점과 마트\n"},
		"utf-16":    {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "经度\t纬度\t大类\r\n10.05\t51.55\t餐饮服务\r\n10.06\t51.54\t餐饮服务\r\n10.99\t51.01\t生活服务\r\n"},
		"utf-16be":  {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "lon,lat,category\n10.05,51.55,cafe\n10.06,51.54,cafe\n10.99,51.01,bar\n"},
	} {
		columns := Columns{}
		for _, h := range strings.FieldsFunc(strings.SplitN(c.text, "\n", 2)[0], func(r rune) bool { return strings.ContainsRune(",\t\r", r) }) {
			switch {
			case strings.ContainsAny(h, "经經経경"):
				columns.Lon = h
			case strings.ContainsAny(h, "纬緯위"):
				columns.Lat = h
			case strings.ContainsAny(h, "类類種업"):
				columns.Category = h
			}
		}
		b, err := c.e.NewEncoder().Bytes([]byte(c.text))
		if err != nil {
			t.Fatal(name, err)
		}
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		z.Write(b)
		z.Close()
		want := show(read(t, Spec{Path: file(t, "p.csv", c.text), Columns: columns}, square()))
		for _, spec := range []Spec{
			{Path: file(t, "p.csv", string(b))},
			{Path: file(t, "p.csv", string(b)), Encoding: name},
			{Path: file(t, "p.csv.gz", zipped.String())},
		} {
			spec.Columns = columns
			r := read(t, spec, square())
			if got := show(r); !reflect.DeepEqual(got, want) || len(got) != 2 {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
			if r.Report.Encoding == "" {
				t.Errorf("%s: the report does not say it", name)
			}
		}
	}
}
