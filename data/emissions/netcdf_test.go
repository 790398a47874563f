package emissions

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"
)

// ncVar is a variable of a NetCDF file that a test writes.
type ncVar struct {
	name   string
	dims   []string
	attrs  [][2]string
	values []float64 // in the order of dims, the last fastest
}

// ncDim is a dimension.
type ncDim struct {
	name string
	n    int
}

// writeNetCDF writes a file of NetCDF's classic format (the specification is
// Appendix B of the NetCDF users' guide), so that samples of the inventories'
// layouts need no library.
func writeNetCDF(t testing.TB, path string, dims []ncDim, vars []ncVar) string {
	t.Helper()
	index := map[string]int{}
	var b bytes.Buffer
	num := func(v int) { _ = binary.Write(&b, binary.BigEndian, int32(v)) }
	text := func(s string) {
		num(len(s))
		b.WriteString(s)
		b.Write(make([]byte, (4-len(s)%4)%4))
	}
	header := func(begin []int) []byte {
		b.Reset()
		b.WriteString("CDF\x01")
		num(0)
		num(0x0A)
		num(len(dims))
		for i, d := range dims {
			index[d.name] = i
			text(d.name)
			num(d.n)
		}
		num(0) // no attributes of the file
		num(0)
		num(0x0B)
		num(len(vars))
		for i, v := range vars {
			text(v.name)
			num(len(v.dims))
			for _, d := range v.dims {
				num(index[d])
			}
			if len(v.attrs) == 0 {
				num(0)
			} else {
				num(0x0C)
			}
			num(len(v.attrs))
			for _, a := range v.attrs {
				text(a[0])
				num(2) // characters
				text(a[1])
			}
			num(6) // doubles
			num(8 * len(v.values))
			num(begin[i])
		}
		return bytes.Clone(b.Bytes())
	}
	begin := make([]int, len(vars))
	at := len(header(begin))
	for i, v := range vars {
		begin[i] = at
		at += 8 * len(v.values)
	}
	out := header(begin)
	for _, v := range vars {
		for _, x := range v.values {
			out = binary.BigEndian.AppendUint64(out, math.Float64bits(x))
		}
	}
	if err := os.WriteFile(path, out, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// ncGrid is the axes of a grid of 0.1 degree with its south-west corner at 10 E,
// 50 N, w x h cells, rows from south to north as inventories have them.
func ncGrid(w, h int, west float64) ([]ncDim, []ncVar) {
	axis := func(n int, from float64) (v []float64) {
		for i := range n {
			v = append(v, from+0.1*float64(i)+0.05)
		}
		return v
	}
	return []ncDim{{"lat", h}, {"lon", w}}, []ncVar{
		{"lat", []string{"lat"}, [][2]string{{"units", "degrees_north"}, {"standard_name", "latitude"}}, axis(h, 50)},
		{"lon", []string{"lon"}, [][2]string{{"units", "degrees_east"}, {"standard_name", "longitude"}}, axis(w, west)},
	}
}

// ncTimes is a time axis.
func ncTimes(units string, values ...float64) (ncDim, ncVar) {
	return ncDim{"time", len(values)}, ncVar{"time", []string{"time"}, [][2]string{{"units", units}, {"standard_name", "time"}}, values}
}

// constant repeats each of values n times.
func constant(n int, values ...float64) (list []float64) {
	for _, v := range values {
		for range n {
			list = append(list, v)
		}
	}
	return list
}
