package raster

import (
	"bytes"
	"encoding/xml"
	"fmt"

	"opencarbon/data/fault"
)

// vrtBand is what a VRT says of a band and of the sources that it is put
// together from.
type vrtBand struct {
	Band    int         `xml:"band,attr"`
	Simple  []vrtPartOf `xml:"SimpleSource"`
	Complex []vrtPartOf `xml:"ComplexSource"`
	Mean    []vrtPartOf `xml:"AveragedSource"`
	Kernel  []vrtPartOf `xml:"KernelFilteredSource"`
}

type vrtPartOf struct {
	File       string `xml:"SourceFilename"`
	Properties struct {
		Type string `xml:"DataType,attr"`
	} `xml:"SourceProperties"`
	Ratio *string `xml:"ScaleRatio"`
	LUT   *string `xml:"LUT"`
	Power *string `xml:"Exponent"`
}

// CheckVRTTypes refuses a VRT that puts one band together from files whose pixels
// have different types: tiles of bytes beside tiles of reflectances are numbers of
// two kinds, which no scale fits, and GDAL cuts what its type cannot hold. Sources
// that the VRT rescales are not asked, nor those whose type it does not tell. Other
// texts pass.
func CheckVRTTypes(path string, text []byte) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	for {
		token, err := d.Token()
		if err != nil {
			return nil // the end, or no XML: GDAL will say so
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "VRTRasterBand" {
			continue
		}
		var b vrtBand
		if d.DecodeElement(&b, &start) != nil {
			return nil
		}
		var first *vrtPartOf
		for _, list := range [][]vrtPartOf{b.Simple, b.Complex, b.Mean, b.Kernel} {
			for i := range list {
				p := &list[i]
				switch {
				case p.Properties.Type == "" || p.Ratio != nil || p.LUT != nil || p.Power != nil:
				case first == nil:
					first = p
				case first.Properties.Type != p.Properties.Type:
					return fault.New(path, fmt.Sprintf("band %d is put together from pixels of different types: %s in %s, %s in %s", b.Band,
						first.Properties.Type, shorten(first.File), p.Properties.Type, shorten(p.File)),
						"Bring the tiles to one type and one scale (gdal_translate -ot, -scale), and build the mosaic again.")
				}
			}
		}
	}
}
