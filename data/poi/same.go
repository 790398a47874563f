package poi

import (
	"hash/fnv"
	"math"
)

// samePlace is how far apart, in meters, two rows of one id may lie and still
// be the same point listed twice: exports round coordinates (four decimals are
// 11 m) and map services move a pin by some meters. Numbers that restart with
// each joined file meet within it as good as never.
const samePlace = 25

// earthRadius is that of a sphere, in meters: good enough to compare places.
const earthRadius = 6371e3

// visit is what is remembered of a point with an id.
type visit struct {
	at       [3]float64 // meters from the earth's center: no poles and no 180 degrees
	category int32      // raw
}

func newVisit(lon, lat float64, category int32) visit {
	sinLon, cosLon := math.Sincos(lon * math.Pi / 180)
	sinLat, cosLat := math.Sincos(lat * math.Pi / 180)
	return visit{[3]float64{earthRadius * cosLat * cosLon, earthRadius * cosLat * sinLon, earthRadius * sinLat}, category}
}

// same says whether two points are one.
func (v visit) same(o visit) bool {
	dx, dy, dz := v.at[0]-o.at[0], v.at[1]-o.at[1], v.at[2]-o.at[2]
	return v.category == o.category && dx*dx+dy*dy+dz*dz <= samePlace*samePlace
}

// doubles finds rows that repeat a point: the same id, category and place. The
// id alone says little: it restarts in each of several files joined to one, and
// columns called id hold other things as well.
type doubles struct {
	first map[[16]byte]visit  // by the hash of the id
	more  map[further][]visit // those of an id that was seen at several places
}

// further is an id in one cube of space, so that a column that says the same
// everywhere costs no search through all its points.
type further struct {
	id   [16]byte
	cube [3]int32
}

// cubeEdge is twice what is looked for: a place then reaches into the nearer
// one of the two neighbors along each axis, and no farther.
const cubeEdge = 2 * samePlace

func newDoubles() *doubles {
	return &doubles{first: map[[16]byte]visit{}, more: map[further][]visit{}}
}

// hashOf shortens an id: a file may hold ten million of them.
func hashOf(id []byte) (key [16]byte) {
	h := fnv.New128a()
	h.Write(id)
	h.Sum(key[:0])
	return key
}

// add remembers a point. twice says that it was there already; elsewhere that
// its id was, but at another place or in another category.
func (d *doubles) add(id [16]byte, v visit) (twice, elsewhere bool) {
	old, known := d.first[id]
	if !known {
		d.first[id] = v
		return false, false
	}
	if old.same(v) {
		return true, false
	}
	home := further{id: id}
	var near [3]int32 // the neighbor along each axis that v is closer to
	for i, x := range v.at {
		home.cube[i] = int32(math.Floor(x / cubeEdge))
		near[i] = home.cube[i] + 1
		if x/cubeEdge-math.Floor(x/cubeEdge) < 0.5 {
			near[i] = home.cube[i] - 1
		}
	}
	for corner := range 8 {
		at := home
		for i := range 3 {
			if corner>>i&1 == 1 {
				at.cube[i] = near[i]
			}
		}
		for _, o := range d.more[at] {
			if o.same(v) {
				return true, false
			}
		}
	}
	d.more[home] = append(d.more[home], v)
	return false, true
}
