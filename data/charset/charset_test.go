package charset

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// Tables as they come, in the languages that have encodings of their own.
var tables = map[string]string{
	"chinese":     "经度,纬度,大类,名称\n113.2,23.1,餐饮服务,广州酒家\n113.3,23.2,购物服务,天河城百货\n113.3,23.2,科教文化服务,中山大学图书馆\n113.3,23.2,公司企业,信息技术有限公司\n",
	"few":         "lon,lat,category\n113.2,23.1,餐馆\n113.2,23.1,学校\n",
	"traditional": "經度,緯度,類別,名稱\n121.5,25.0,餐廳,鼎泰豐信義店\n121.5,25.1,購物中心,台北車站商場\n121.6,25.1,學校,國立臺灣大學圖書館\n",
	"japanese":    "経度,緯度,種別,名称\n139.7,35.6,飲食店,ラーメン横丁\n139.7,35.7,コンビニ,セブンイレブン新宿店\n139.8,35.7,公園,うえのおんし公園\n",
	"korean":      "경도,위도,업종,상호\n126.9,37.5,음식점,서울식당\n126.9,37.6,편의점,한강공원점\n127.0,37.5,학교,대한민국초등학교\n",
	"german":      "lon;lat;Kategorie\n13,4;52,5;Bäckerei\n13,4;52,5;Café am Schloß\n13,5;52,5;Behörde für Grünflächen\n",
	"french":      "lon;lat;catégorie\n2,3;48,8;épicerie fine\n2,3;48,9;hôtel d'été\n2,4;48,9;crèche, collège, théâtre\n",
}

func encoded(t testing.TB, text, name string) []byte {
	t.Helper()
	if order, ok := map[string]unicode.Endianness{"utf-16le": unicode.LittleEndian, "utf-16be": unicode.BigEndian}[name]; ok {
		b, err := unicode.UTF16(order, unicode.IgnoreBOM).NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	e, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	if e == nil {
		return []byte(text)
	}
	b, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGuess(t *testing.T) {
	for name, languages := range map[string][]string{
		"gb18030":      {"chinese", "few"},
		"big5":         {"traditional"},
		"shift_jis":    {"japanese"},
		"euc-jp":       {"japanese"},
		"euc-kr":       {"korean"},
		"windows-1252": {"german", "french"},
		"utf-8":        {"chinese", "few", "traditional", "japanese", "korean", "german", "french"},
		"utf-16le":     {"chinese", "few", "traditional", "japanese", "korean", "german", "french"},
		"utf-16be":     {"chinese", "few", "traditional", "japanese", "korean", "german", "french"},
	} {
		for _, language := range languages {
			for _, times := range []int{1, 50} { // what repeats says nothing new
				b := bytes.Repeat(encoded(t, tables[language], name), times)
				sample, err := Sample(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				if got, rival := Guess(sample); got != name || rival != "" {
					t.Errorf("%s in %s, %d times: %s, or %q", language, name, times, got, rival)
				}
			}
		}
	}
	for name, sample := range map[string]string{"utf-8": "lon,lat\n1,2\n", "utf-16": "\xff\xfel\x00o\x00n\x00"} {
		if got, rival := Guess([]byte(sample)); got != name || rival != "" {
			t.Errorf("%q: %s, or %q", sample, got, rival)
		}
	}
}

// Lines that tell the encoding may come late, and a sample may end anywhere.
func TestSample(t *testing.T) {
	b := encoded(t, strings.Repeat("1,2,school\n", 200_000)+strings.Repeat("1,2,餐饮服务公司企业\n", 20_000), "gb18030")
	sample, err := Sample(bytes.NewReader(b))
	if err != nil || len(sample) < sampleBytes || len(sample) > sampleBytes+100 || bytes.Contains(sample, []byte("school")) {
		t.Fatalf("%d bytes, %v", len(sample), err)
	}
	whole := encoded(t, strings.Repeat("餐饮", 20), "utf-8")
	for k := range len(whole) {
		if got, _ := Guess(whole[:k]); got != "utf-8" {
			t.Errorf("%d bytes of UTF-8: %s", k, got)
		}
	}
}

func TestNames(t *testing.T) {
	text := tables["chinese"]
	for _, name := range []string{"GBK", "gb2312", "CP936", " gb18030 ", "UTF-8", "utf8", "UTF-16"} {
		e, err := New(name)
		if err != nil {
			t.Fatal(err)
		}
		b := encoded(t, text, name)
		if e != nil {
			if b, err = io.ReadAll(e.NewDecoder().Reader(bytes.NewReader(b))); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.TrimPrefix(string(b), "\ufeff"); got != text {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, name := range []string{"", "klingon", "utf-7", "iso-2022-cn"} {
		if _, err := New(name); err == nil || !strings.Contains(err.Error(), "gb18030") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzGuess(f *testing.F) {
	for _, text := range tables {
		f.Add([]byte(text))
	}
	f.Add([]byte{0x81, 0x30, 0x81})
	f.Fuzz(func(t *testing.T, b []byte) {
		name, rival := Guess(b)
		for _, n := range []string{name, rival} {
			if _, err := New(n); n != "" && err != nil {
				t.Errorf("%q is guessed and not known: %v", n, err)
			}
		}
		if name == "" || name == rival {
			t.Errorf("%q, or %q", name, rival)
		}
	})
}
