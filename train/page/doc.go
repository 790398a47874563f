// Package page makes one HTML page of a prediction that needs no network: a map
// to pan and zoom with a panel about each cell, findings in plain words, a table of
// areas, and whatever else its caller puts below. The map library (Leaflet 1.9.4,
// BSD-2, assets/leaflet-license.txt) is inside.
//
// The same cells give the same bytes. Names come from users' files: here they only
// ever become text, and the page's policy (Content-Security-Policy) lets no script
// run but the page's own, whose hash it carries.
//
// The package reads tables and stores, and trains and predicts nothing.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"

	"opencarbon/data/label"
	"opencarbon/train/atomicfile"
)

//go:embed assets
var assets embed.FS

// scripts are put together in this order, and see each other's functions.
var scripts = []string{"color.js", "data.js", "cells.js", "frame.js", "panel.js", "search.js", "tables.js", "main.js"}

// Page is what Write shows. All text is plain: Write makes it safe.
type Page struct {
	Title    string
	About    string   // a line under the title
	Findings []string // sentences
	Map      *Map     // nil: none, and NoMap says why
	NoMap    string
	Areas    Areas
	Unit     string        // of amounts, e.g. "tCO2/yr"; "proxy" or empty: none
	Below    template.HTML // the rest of the page, ready to be shown
}

// view is a Page as its template takes it.
type view struct {
	Page
	Policy         string
	Style          template.CSS
	Data           template.JS
	Script         template.JS
	License        string
	Notes          []string
	HasTruth       bool
	Trust          bool // there are cells outside the domain of the model
	Photo          bool
	Ranged         bool
	Changed        bool // there is an earlier prediction
	Searchable     bool
	AmountName     string // "emission", or "value" of a proxy
	Unit, PerKM2   string
	TableOfAreas   []Area
	AreasAreRanged bool
	AreasAreKnown  bool
	AreasAreFilled bool
}

var frame = template.Must(template.New("page").ParseFS(assets, "assets/*.html"))

func asset(name string) string {
	text, err := assets.ReadFile("assets/" + name)
	if err != nil { // it is built in: only a wrong name gets here
		panic(err)
	}
	return string(text)
}

// code is the whole script of the page.
var code = func() string {
	var b strings.Builder
	b.WriteString(asset("leaflet.js"))
	b.WriteString("\n(function () {\n'use strict';\n")
	for _, name := range scripts {
		b.WriteString(asset(name))
	}
	b.WriteString("})();\n")
	return b.String()
}()

// Render writes the page.
func (p Page) Render(w io.Writer) error {
	v := view{Page: p, License: asset("leaflet-license.txt"), Unit: Unit(p.Unit), AmountName: "emission"}
	if v.Unit == "" {
		v.AmountName = "value"
	}
	v.Title, v.About = label.Printable(p.Title), label.Printable(p.About)
	v.TableOfAreas, v.AreasAreRanged, v.AreasAreKnown, v.AreasAreFilled = p.Areas.Rows, p.Areas.ranged(), p.Areas.known(), p.Areas.filled()
	v.Style = template.CSS(asset("page.css"))
	policy := "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
	script := asset("tables.js")
	script = "(function () {\n'use strict';\n" + script + "startTables();\n})();\n"
	if p.Map != nil {
		data, err := p.Map.encode(p)
		if err != nil {
			return err
		}
		v.Data, v.Notes, script = template.JS(data), p.Map.Notes, code
		v.Style = template.CSS(asset("leaflet.css") + asset("page.css"))
		m := p.Map
		v.HasTruth, v.Trust, v.Photo, v.Ranged = m.hasTruth(), m.Extra.Domain, m.photos != nil, m.level() >= 0
		v.Changed = m.Since != nil
	}
	// The hash is of what stands between the tags, byte for byte.
	sum := sha256.Sum256([]byte(script))
	v.Policy = policy + "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	v.Script = template.JS(script)
	return frame.ExecuteTemplate(w, "page.html", v)
}

// Write writes the page to a file, whole or not at all.
func (p Page) Write(path string) error {
	var b bytes.Buffer
	if err := p.Render(&b); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, b.Bytes())
}

// Unit is a unit as people write it; empty where amounts have none.
func Unit(unit string) string {
	switch unit {
	case "proxy", "":
		return ""
	case "tCO2/yr":
		return "t CO₂ a year"
	}
	return label.Printable(unit)
}
