package page

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"math"

	"opencarbon/data/store"
)

// photos are the cells' images, small, all in one JPEG: the tables of a JPEG alone
// are as large as one of them.
type photos struct {
	size    int // edge of an image in pixels, a multiple of 16: no block of the JPEG lies in two images
	columns int // images side by side; they follow the cells, row by row
	uri     string
}

// photoSizes are tried from the largest.
var photoSizes = []int{64, 48, 32, 16}

// photoPixels bounds the pixels of all photos, which a phone holds in memory: 17 MB.
const photoPixels = 4_400_000

// takePhotos makes them as large as most bytes allow; nil where not even the
// smallest fit. at are the cells' tiles in s, -1: none, which stays gray.
func takePhotos(s *store.Store, at []int, most int) (*photos, error) {
	n := s.ImageSize()
	tile := make([]uint8, 3*n*n)
	for _, size := range photoSizes {
		if len(at)*size*size > photoPixels || size > 16 && size >= 2*n {
			continue
		}
		p := &photos{size: size, columns: int(math.Ceil(math.Sqrt(float64(len(at)))))}
		high := (len(at) + p.columns - 1) / p.columns
		all := image.NewRGBA(image.Rect(0, 0, p.columns*size, high*size))
		for i := range all.Pix {
			all.Pix[i] = 0xDD
		}
		for i, t := range at {
			if t < 0 {
				continue
			}
			if err := s.ReadColors(t, tile); err != nil {
				return nil, err
			}
			shrink(all, i%p.columns*size, i/p.columns*size, size, tile, n)
		}
		for _, quality := range []int{80, 60, 40} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, all, &jpeg.Options{Quality: quality}); err != nil {
				return nil, err
			}
			if b.Len() <= most {
				p.uri = "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
				return p, nil
			}
		}
	}
	return nil, nil
}

// shrink writes tile, uint8 [3, n, n], as size x size pixels at (x0, y0): each is
// the mean of the pixels that it covers.
func shrink(to *image.RGBA, x0, y0, size int, tile []uint8, n int) {
	for y := range size {
		top, bottom := y*n/size, max(y*n/size+1, (y+1)*n/size)
		for x := range size {
			left, right := x*n/size, max(x*n/size+1, (x+1)*n/size)
			at := to.PixOffset(x0+x, y0+y)
			for band := range 3 {
				sum := 0
				for r := top; r < bottom; r++ {
					for c := left; c < right; c++ {
						sum += int(tile[band*n*n+r*n+c])
					}
				}
				count := (bottom - top) * (right - left)
				to.Pix[at+band] = uint8((sum + count/2) / count)
			}
			to.Pix[at+3] = 255
		}
	}
}
