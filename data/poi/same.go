package poi

import "math"

// samePlace is how far apart, in meters, two rows of one id may lie and still
// be the same point listed twice: exports round coordinates (four decimals are
// 11 m) and map services move a pin by some meters. Numbers that restart with
// each joined file meet within it as good as never.
const samePlace = 25

// earthRadius is that of a sphere, in meters: good enough to compare places.
const earthRadius = 6371e3

// visit is what is remembered of a point with an id. A file may hold ten million
// of them: a place is kept to a centimeter, and becomes meters only where its id
// comes again.
type visit struct {
	lon, lat int32 // in 1e-7 degrees
	category int32 // raw
}

func newVisit(lon, lat float64, category int32) visit {
	if lon > 180 || lon < -180 { // 0 to 360, or a world farther: it would not fit
		lon = math.Remainder(lon, 360)
	}
	return visit{int32(math.Round(lon * 1e7)), int32(math.Round(lat * 1e7)), category}
}

// at is the place in meters from the earth's center: no poles and no 180 degrees.
func (v visit) at() [3]float64 {
	sinLon, cosLon := math.Sincos(float64(v.lon) / 1e7 * math.Pi / 180)
	sinLat, cosLat := math.Sincos(float64(v.lat) / 1e7 * math.Pi / 180)
	return [3]float64{earthRadius * cosLat * cosLon, earthRadius * cosLat * sinLon, earthRadius * sinLat}
}

// same says whether two points are one.
func (v visit) same(o visit) bool {
	const far = (samePlace + 1) / (earthRadius * math.Pi / 180 * 1e-7) // of latitude alone
	if v.category != o.category || math.Abs(float64(v.lat)-float64(o.lat)) > far {
		return false
	}
	a, b := v.at(), o.at()
	dx, dy, dz := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return dx*dx+dy*dy+dz*dz <= samePlace*samePlace
}

// doubles finds rows that repeat a point: the same id, category and place. The
// id alone says little: it restarts in each of several files joined to one, and
// columns called id hold other things as well.
type doubles struct {
	first ids                 // by the hash of the id
	more  map[further][]visit // those of an id that was seen at several places
}

// further is an id in one cube of space, so that a column that says the same
// everywhere costs no search through all its points.
type further struct {
	id   uint64
	cube [3]int32
}

// cubeEdge is twice what is looked for: a place then reaches into the nearer
// one of the two neighbors along each axis, and no farther.
const cubeEdge = 2 * samePlace

func newDoubles() *doubles { return &doubles{more: map[further][]visit{}} }

// hashOf shortens an id (FNV-1a, 64 bits). Two ids that come out alike, one pair in
// a million files of ten million rows, are no harm: a point is the same only
// where place and category are, too.
func hashOf(id []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range id {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// add remembers a point. twice says that it was there already; elsewhere that
// its id was, but at another place or in another category.
func (d *doubles) add(id uint64, v visit) (twice, elsewhere bool) {
	old, known := d.first.get(id, v)
	if !known {
		return false, false
	}
	if old.same(v) {
		return true, false
	}
	home := further{id: id}
	var near [3]int32 // the neighbor along each axis that v is closer to
	for i, x := range v.at() {
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

// ids remembers the first visit of each id: a table of hashing whose slots hold a
// part of the hash and the number of an entry; entries lie in blocks, which are
// never copied. It takes some 33 bytes an entry where Go's map takes 100.
type ids struct {
	slots  []uint64 // high half: of the hash; low half: 1 + the entry's number; 0: free
	blocks []*idBlock
	n      int
}

const idBlockSize = 1 << 14

type idBlock struct {
	hash  [idBlockSize]uint64
	visit [idBlockSize]visit
}

// maxIDs is how many ids are remembered; further ones are taken as new.
const maxIDs = math.MaxUint32 - 1

// get returns the first visit of an id; where there is none, v becomes that.
func (t *ids) get(id uint64, v visit) (old visit, known bool) {
	if 4*(t.n+1) > 3*len(t.slots) {
		t.grow()
	}
	at, tag := t.home(id)
	for ; t.slots[at] != 0; at = (at + 1) & (len(t.slots) - 1) {
		s := t.slots[at]
		if s>>32 != tag {
			continue
		}
		k := int(s&math.MaxUint32) - 1
		if b := t.blocks[k/idBlockSize]; b.hash[k%idBlockSize] == id {
			return b.visit[k%idBlockSize], true
		}
	}
	if t.n >= maxIDs {
		return v, false
	}
	if t.n%idBlockSize == 0 {
		t.blocks = append(t.blocks, new(idBlock))
	}
	b := t.blocks[t.n/idBlockSize]
	b.hash[t.n%idBlockSize], b.visit[t.n%idBlockSize] = id, v
	t.n++
	t.slots[at] = tag<<32 | uint64(t.n)
	return v, false
}

// home is the slot at which the search for an id begins, and what its slot says of
// it. The multiplication spreads hashes of ids that differ in their ends alone.
func (t *ids) home(id uint64) (at int, tag uint64) {
	h := id * 0x9E3779B97F4A7C15
	h ^= h >> 29
	return int(h) & (len(t.slots) - 1), h >> 32
}

func (t *ids) grow() {
	t.slots = make([]uint64, max(1024, 2*len(t.slots)))
	for k := range t.n {
		at, tag := t.home(t.blocks[k/idBlockSize].hash[k%idBlockSize])
		for t.slots[at] != 0 {
			at = (at + 1) & (len(t.slots) - 1)
		}
		t.slots[at] = tag<<32 | uint64(k+1)
	}
}
