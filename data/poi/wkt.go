package poi

import (
	"regexp"
	"strconv"
	"strings"

	"opencarbon/data/raster"
)

// wktStart matches the beginning of well-known text (OGC 06-103r4, 7.2).
var wktStart = regexp.MustCompile(`(?i)^(MULTI)?(POINT|LINESTRING|POLYGON)\s*(Z|M|ZM)?\s*(\(|EMPTY$)`)

// parseWKT reads a geometry as text; ok is false where it is none.
func parseWKT(s string) (g raster.Geometry, ok bool) {
	m := wktStart.FindStringSubmatch(s)
	if m == nil {
		return g, false
	}
	if m[4] != "(" {
		return g, true
	}
	polygon, many := strings.EqualFold(m[2], "polygon"), m[1] != ""
	levels := 1 // of brackets around positions
	if polygon {
		levels++
	}
	if many && !strings.EqualFold(m[2], "point") {
		levels++
	}
	p := wktParser{s: s[len(m[0]):]}
	depth := 1
	var rings raster.Polygon
	var line [][2]float64
	for depth > 0 {
		switch p.blank(); {
		case p.take('('):
			depth++
			if depth > levels+1 { // MULTIPOINT ((1 2), (3 4)) has one more
				return g, false
			}
		case p.take(')'):
			if depth == levels && len(line) > 0 {
				rings, line = append(rings, line), nil
			}
			if depth == levels-1 && len(rings) > 0 {
				g.Polygons, rings = append(g.Polygons, rings), nil
			}
			depth--
		case p.take(','):
		default:
			at, ok := p.position()
			if !ok || polygon && depth != levels {
				return g, false
			}
			if polygon {
				line = append(line, at)
			} else {
				g.Points = append(g.Points, at)
			}
		}
	}
	p.blank()
	return g, p.s == ""
}

type wktParser struct{ s string }

func (p *wktParser) blank() { p.s = strings.TrimLeft(p.s, " \t\r\n") }

func (p *wktParser) take(c byte) bool {
	if len(p.s) > 0 && p.s[0] == c {
		p.s = p.s[1:]
		return true
	}
	return false
}

// position takes "x y", with further ordinates that are left out.
func (p *wktParser) position() (at [2]float64, ok bool) {
	end := strings.IndexAny(p.s, ",()")
	if end < 0 {
		return at, false
	}
	f := strings.Fields(p.s[:end])
	p.s = p.s[end:]
	if len(f) < 2 || len(f) > 4 {
		return at, false
	}
	for i := range at {
		v, err := strconv.ParseFloat(f[i], 64)
		if err != nil || v-v != 0 {
			return at, false
		}
		at[i] = v
	}
	return at, true
}
