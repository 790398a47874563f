// Package qgis writes the styles that make a map open well in QGIS: a color for
// every level, with a legend that says it, instead of gray pixels or one flat
// brown. A style is a QML document: beside a GeoTIFF as NAME.qml, in a GeoPackage
// as a row of the table layer_styles.
//
// Emissions span several powers of ten, so classes are even in logarithms. The
// colors are viridis (Smith and van der Walt 2015), which stays a scale for the
// color-blind and in gray print; changes are blue to red (ColorBrewer RdBu).
package qgis

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"

	"opencarbon/train/metrics"
)

// Version of QGIS whose documents these are; newer ones read them.
const Version = "3.22.0"

var viridis = []uint32{0x440154, 0x482878, 0x3E4989, 0x31688E, 0x26828E, 0x1F9E89, 0x35B779, 0x6ECE58, 0xB5DE2B, 0xFDE725}

// color of t in 0..1, between the ten of viridis.
func color(t float64) (r, g, b int) {
	x := min(max(t, 0), 1) * float64(len(viridis)-1)
	i := min(int(x), len(viridis)-2)
	mix := func(shift uint) int {
		a, b := float64(viridis[i]>>shift&255), float64(viridis[i+1]>>shift&255)
		return int(math.Round(a + (x-float64(i))*(b-a)))
	}
	return mix(16), mix(8), mix(0)
}

// Steps are round numbers, 1, 2 and 5 times powers of ten, that enclose the
// positive ones among values; at least two. Where they span more than four powers
// of ten, powers of ten alone. Nothing positive gives nil.
func Steps(values []float64) []float64 { return steps(values, 4) }

// FineSteps are Steps without the last rule: between two of them a color that goes
// evenly with the number, as QGIS has it, is within a hundredth of one that goes
// evenly with its logarithm over six powers of ten.
func FineSteps(values []float64) []float64 { return steps(values, math.MaxInt) }

func steps(values []float64, most int) []float64 {
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	if high == 0 {
		return nil
	}
	from, to := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	parts := []float64{1, 2, 5}
	if to-from > most {
		parts = parts[:1]
	}
	var all []float64
	for e := from; e <= to; e++ {
		for _, p := range parts {
			v, _ := strconv.ParseFloat(fmt.Sprintf("%ge%d", p, e), 64)
			all = append(all, v)
		}
	}
	first, last := 0, len(all)-1
	for first+1 < len(all) && all[first+1] <= low {
		first++
	}
	for last-1 > first && all[last-1] >= high {
		last--
	}
	return all[first : last+1]
}

func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

// Raster is the style of a GeoTIFF whose first band holds amounts: that band alone,
// colored by steps (see FineSteps) on a logarithmic scale, pixels without data
// transparent. The legend names every step, with the unit: QGIS's own bar of colors
// would show the ends alone, and between them a scale that is not logarithmic.
func Raster(steps []float64, unit string) string {
	if len(steps) < 2 {
		return ""
	}
	var b strings.Builder
	low, high := steps[0], steps[len(steps)-1]
	fmt.Fprintf(&b, `<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="%s" styleCategories="AllStyleCategories" hasScaleBasedVisibilityFlag="0">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" nodataColor="" classificationMin="%s" classificationMax="%s">
      <rasterTransparency/>
      <rastershader>
        <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" minimumValue="%[2]s" maximumValue="%[3]s" labelPrecision="0">
`, Version, plain(low), plain(high))
	for _, v := range steps {
		r, g, bl := color(math.Log(v/low) / math.Log(high/low))
		fmt.Fprintf(&b, "          <item value=\"%s\" label=\"%s\" color=\"#%02x%02x%02x\" alpha=\"255\"/>\n", plain(v), text(strings.TrimSpace(metrics.Amount(v)+" "+unit)), r, g, bl)
	}
	b.WriteString(`          <rampLegendSettings useContinuousLegend="0" direction="0" orientation="2" minimumLabel="" maximumLabel="" prefix="" suffix=""/>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
    <brightnesscontrast brightness="0" contrast="0"/>
    <huesaturation saturation="0" grayscaleMode="0" colorizeOn="0"/>
    <rasterresampler maxOversampling="2"/>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
`)
	return b.String()
}

// Polygons is the style of a layer of polygons by the numbers in a column: a class
// between each two of steps, the last and the first one open. border draws the
// polygons' outlines; cells have none but their own color.
func Polygons(column string, steps []float64, unit string, border bool) string {
	if len(steps) < 2 {
		return ""
	}
	var ranges, symbols strings.Builder
	n := len(steps) - 1
	for i := range n {
		r, g, b := color(float64(i) / math.Max(1, float64(n-1)))
		line, width := fmt.Sprintf("%d,%d,%d,255", r, g, b), "0.26" // in the polygon's own color: without a line, seams between cells show the ground
		if border {
			line, width = "80,80,80,255", "0.2"
		}
		fmt.Fprintf(&ranges, "      <range lower=\"%s\" upper=\"%s\" symbol=\"%d\" render=\"true\" label=\"%s\"/>\n", plain(steps[i]), plain(steps[i+1]), i,
			text(strings.TrimSpace(metrics.Amount(steps[i])+" to "+metrics.Amount(steps[i+1])+" "+unit)))
		fmt.Fprintf(&symbols, `      <symbol type="fill" name="%d" alpha="1" clip_to_extent="1" force_rhr="0">
        <layer class="SimpleFill" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="%d,%d,%d,255"/>
            <Option type="QString" name="style" value="solid"/>
            <Option type="QString" name="outline_color" value="%s"/>
            <Option type="QString" name="outline_style" value="solid"/>
            <Option type="QString" name="outline_width" value="%s"/>
            <Option type="QString" name="outline_width_unit" value="MM"/>
          </Option>
          <prop k="color" v="%[2]d,%[3]d,%[4]d,255"/>
          <prop k="style" v="solid"/>
          <prop k="outline_color" v="%[5]s"/>
          <prop k="outline_style" v="solid"/>
          <prop k="outline_width" v="%[6]s"/>
        </layer>
      </symbol>
`, i, r, g, b, line, width)
	}
	return fmt.Sprintf(`<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="%s" styleCategories="Symbology">
  <renderer-v2 type="graduatedSymbol" attr="%s" graduatedMethod="GraduatedColor" symbollevels="0" enableorderby="0" forceraster="0">
    <ranges>
%s    </ranges>
    <symbols>
%s    </symbols>
  </renderer-v2>
  <blendMode>0</blendMode>
  <layerGeometryType>2</layerGeometryType>
</qgis>
`, Version, text(column), ranges.String(), symbols.String())
}

func plain(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
