package poi

import "math"

// GCJ-02 and BD-09 are the coordinates of Chinese map services: WGS84 moved by
// some hundred meters. The formulas are the published ones (the "eviltransform"
// and "coordtransform" libraries); the way back is found by iteration, to far
// below a millimeter. Outside chinaWest .. chinaNorth, a rectangle round China
// that all these libraries share, both are WGS84 itself.
const (
	chinaWest, chinaEast   = 72.004, 137.8347
	chinaSouth, chinaNorth = 0.8293, 55.8271

	krasovskyA  = 6378245.0              // semi-major axis of the Krasovsky 1940 ellipsoid, meters
	krasovskyE2 = 0.00669342162296594323 // its squared eccentricity
	baiduAngle  = math.Pi * 3000 / 180
)

// inChina says whether a point lies in the rectangle.
func inChina(lon, lat float64) bool {
	return lon >= chinaWest && lon <= chinaEast && lat >= chinaSouth && lat <= chinaNorth
}

// GCJ02ToWGS84 moves a point in degrees from GCJ-02 to WGS84.
func GCJ02ToWGS84(lon, lat float64) (float64, float64) {
	if !inChina(lon, lat) {
		return lon, lat
	}
	return invert(gcj, lon, lat)
}

// BD09ToWGS84 moves a point in degrees from BD-09 to WGS84.
func BD09ToWGS84(lon, lat float64) (float64, float64) {
	if !inChina(lon, lat) {
		return lon, lat
	}
	return invert(baidu, lon, lat)
}

// gcj is the published shift, without the rectangle.
func gcj(lon, lat float64) (float64, float64) {
	x, y := lon-105, lat-35
	s := math.Sqrt(math.Abs(x))
	common := (20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)) * 2 / 3
	dlat := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*s + common +
		(20*math.Sin(y*math.Pi)+40*math.Sin(y/3*math.Pi))*2/3 +
		(160*math.Sin(y/12*math.Pi)+320*math.Sin(y*math.Pi/30))*2/3
	dlon := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*s + common +
		(20*math.Sin(x*math.Pi)+40*math.Sin(x/3*math.Pi))*2/3 +
		(150*math.Sin(x/12*math.Pi)+300*math.Sin(x/30*math.Pi))*2/3
	sin, cos := math.Sincos(lat / 180 * math.Pi)
	w := 1 - krasovskyE2*sin*sin
	dlat = dlat * 180 / (krasovskyA * (1 - krasovskyE2) / (w * math.Sqrt(w)) * math.Pi)
	dlon = dlon * 180 / (krasovskyA / math.Sqrt(w) * cos * math.Pi)
	return lon + dlon, lat + dlat
}

// baidu is BD-09 from WGS84: GCJ-02, then Baidu's own shift.
func baidu(lon, lat float64) (float64, float64) {
	x, y := gcj(lon, lat)
	z := math.Hypot(x, y) + 0.00002*math.Sin(y*baiduAngle)
	theta := math.Atan2(y, x) + 0.000003*math.Cos(x*baiduAngle)
	sin, cos := math.Sincos(theta)
	return z*cos + 0.0065, z*sin + 0.006
}

// invert finds the point that f moves to (lon, lat) by fixed-point iteration;
// f is nearly a translation, so each step gains about two digits.
func invert(f func(lon, lat float64) (float64, float64), lon, lat float64) (float64, float64) {
	x, y := lon, lat
	for range 50 {
		fx, fy := f(x, y)
		dx, dy := lon-fx, lat-fy
		x, y = x+dx, y+dy
		if math.Abs(dx) < 1e-13 && math.Abs(dy) < 1e-13 {
			break
		}
	}
	return x, y
}
