package published

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/regular"
)

// resized is the city whose images the published program brings to 256 x 256
// pixels; those of the others have that size.
const resized = "yinchuan"

// maxEdge bounds an image that is to be resized.
const maxEdge = 1 << 14

// maxImage bounds the file of one tile's image.
const maxImage = 256 << 20

// decode reads an image into rgb, uint8 [3, 256, 256]; with resize it may have
// another size than 256 x 256, and is brought to that by area. What
// is in the file counts, not its ending. An alpha channel is dropped and a gray
// picture repeated, as OpenCV's imread does for the published program; a PNG is
// exact. A JPEG is decoded by GDAL, with the decoder (libjpeg-turbo, its
// defaults) that OpenCV and Pillow use: Go's own does not interpolate the color
// channels. (Measured on a picture with hard edges, quality 85: up to 3 gray levels
// with full color channels, up to 100 and 1.9 on average with halved ones; GDAL's
// equals Pillow's.)
func decode(path string, rgb []uint8, resize bool) error {
	b, err := regular.Read(path, maxImage)
	if err != nil {
		return fault.Wrap(err, path, "cannot be read", "Check the file and its permissions.")
	}
	wrong := func(what string, err error) error {
		return fault.Wrap(err, path, what, "Fetch the image again, or remove it; its tile is then left out.")
	}
	if bytes.HasPrefix(b, []byte("\xff\xd8\xff")) {
		return decodeJPEG(path, rgb, resize)
	}
	config, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return wrong("is neither a PNG nor a JPEG image", err)
	}
	if err := checkSize(path, config.Width, config.Height, resize); err != nil {
		return err
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return wrong("is damaged", err)
	}
	if config.Width == Size && config.Height == Size {
		planes(img, rgb)
		return nil
	}
	all := make([]uint8, 3*config.Width*config.Height)
	planes(img, all)
	byArea(all, config.Width, config.Height, rgb)
	return nil
}

func checkSize(path string, width, height int, resize bool) error {
	switch {
	case width == Size && height == Size:
		return nil
	case !resize:
		return fault.New(path, fmt.Sprintf("has %d x %d pixels, not %d x %d", width, height, Size, Size), "The published images have 256 x 256 pixels; resample it, or fetch it again.")
	case width < 1 || height < 1 || width > maxEdge || height > maxEdge:
		return fault.New(path, fmt.Sprintf("has %d x %d pixels", width, height), "It is no picture of a tile: fetch it again, or remove it.")
	}
	return nil
}

// planes writes the colors of img, without alpha, as three planes.
func planes(img image.Image, rgb []uint8) {
	at, width := img.Bounds().Min, img.Bounds().Dx()
	n := width * img.Bounds().Dy()
	for i := range n {
		var r, g, b uint8
		switch c := img.At(at.X+i%width, at.Y+i/width).(type) {
		case color.NRGBA:
			r, g, b = c.R, c.G, c.B
		case color.RGBA:
			r, g, b = c.R, c.G, c.B
		case color.NRGBA64:
			r, g, b = uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8)
		case color.RGBA64:
			r, g, b = uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8)
		case color.Gray:
			r, g, b = c.Y, c.Y, c.Y
		case color.Gray16:
			r, g, b = uint8(c.Y>>8), uint8(c.Y>>8), uint8(c.Y>>8)
		}
		rgb[i], rgb[n+i], rgb[2*n+i] = r, g, b
	}
}

func decodeJPEG(path string, rgb []uint8, resize bool) error {
	d, err := raster.Open(path, raster.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	width, height := d.Width(), d.Height()
	if err := checkSize(path, width, height, resize); err != nil {
		return err
	}
	bands := []int{1, 2, 3}
	switch d.Bands() {
	case 1:
		bands = []int{1, 1, 1}
	case 3:
	default:
		return fault.New(path, fmt.Sprintf("is a JPEG of %d color channels", d.Bands()), "Save it as RGB.")
	}
	if width == Size && height == Size {
		return d.ReadBytes(bands, 0, 0, Size, Size, rgb)
	}
	all := make([]uint8, 3*width*height)
	if err := d.ReadBytes(bands, 0, 0, width, height, all); err != nil {
		return err
	}
	byArea(all, width, height, rgb)
	return nil
}
