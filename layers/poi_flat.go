package layers

import "fmt"

// POIFlat returns how many numbers the convolutions of the POI encoder kind
// (k7 or k37) leave of a tile of size x size pixels: 100 of 256 pixels in k7,
// 196 in k37.
func POIFlat(kind string, size int) (int, error) {
	convs, err := poiConvs(kind, 1)
	if err != nil {
		return 0, err
	}
	for _, c := range convs {
		if size = c.OutSize(size); size < 1 {
			return 0, fmt.Errorf("the tiles are too small for POI encoder %s", kind)
		}
	}
	return size * size, nil
}
