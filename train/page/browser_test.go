package page

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// In a real browser, at the widths of a desk and a phone: the map answers to pointer,
// finger and keyboard, the list, the search and the table lead somewhere, hostile
// names stay text, the page asks for nothing and complains of nothing.
func TestInBrowser(t *testing.T) {
	b := open(t)
	path := filepath.Join(t.TempDir(), "page.html")
	if err := degrees(8).page(t).Write(path); err != nil {
		t.Fatal(err)
	}
	const head = `document.querySelector('#cell h3')?.textContent ?? ''`
	for _, width := range []int{1400, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b.t = t
			b.visit(path, width, 900)
			b.until(`document.querySelectorAll('#top tbody tr').length`, "20")
			b.key("Tab", "")
			b.until(`document.activeElement.textContent`, "Skip to the content")
			if got := b.eval(`Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)`); got != "0" {
				t.Errorf("the page slides %s pixels sideways", got)
			}
			if got := b.eval(`document.title`); !strings.Contains(got, "alert(1)") {
				t.Errorf("title %q", got)
			}

			// What is drawn where: the canvas holds several colors, and other ones for another layer.
			colors := `(() => { const c = document.querySelector('#map canvas'), p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, s = new Set();
				for (let i = 0; i < p.length; i += 4) if (p[i + 3] === 255) s.add(p[i] << 16 | p[i + 1] << 8 | p[i + 2]); return s.size > 8; })()`
			b.until(colors, "true")
			print := `(() => { const c = document.querySelector('#map canvas'), p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let h = 0;
				for (let i = 0; i < p.length; i++) h = (h * 31 + p[i]) | 0; return h; })()`
			drawn := map[string]string{}
			for _, layer := range []string{"true", "predicted", "error", "change", "range", "trust", "photo"} {
				b.click("input[value=" + layer + "]")
				b.until(`document.querySelector('input[name=layer]:checked').value`, layer)
				b.eval(`new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))`)
				now := b.eval(print)
				if was := drawn[now]; was != "" {
					t.Errorf("%s looks like %s", layer, was)
				}
				drawn[now] = layer
			}
			b.click("input[value=predicted]")
			legend := `document.querySelector('#legend').getAttribute('aria-label')`
			if got := b.eval(legend); !strings.Contains(got, "t CO₂ a year per cell") {
				t.Errorf("legend %q", got)
			}
			b.eval(`document.querySelector('#per').value = 'km2'; document.querySelector('#per').dispatchEvent(new Event('change'))`)
			if got := b.eval(legend); !strings.Contains(got, "per km²") {
				t.Errorf("legend %q", got)
			}

			// Pointer and finger: the middle of the map is the corner of four cells.
			x, y := b.middle("#map")
			if width > 600 {
				b.mouse("mouseMoved", x+9, y+9, "none", 0)
				b.until(head, "46.9550° N, 10.0450° E")
				b.mouse("mouseMoved", x-9, y-9, "none", 0)
				b.until(head, "46.9650° N, 10.0350° E")
				b.until(`document.querySelector('#says').textContent.startsWith('46.965° N, 10.035° E: predicted ')`, "true")
			}
			b.tap(x+9, y+9, width < 600)
			b.until(head, "46.9550° N, 10.0450° E")
			for _, want := range []string{"90 % range", "corrected, for sums", "change since", "true", "error", "points of interest", printable(hostile)} {
				if got := b.eval(`document.querySelector('#cell').textContent`); !strings.Contains(got, want) && want != printable(hostile) {
					t.Errorf("the panel does not say %q: %s", want, got)
				}
			}
			b.until(`!!document.querySelector('#cell canvas')`, "true")

			// Keyboard: from cell to cell, and what is read aloud.
			b.eval(`document.querySelector('#map').focus()`)
			b.key("ArrowRight", "")
			b.until(head, "46.9550° N, 10.0550° E")
			b.key("ArrowUp", "")
			b.until(head, "46.9650° N, 10.0550° E")
			b.until(`document.querySelector('#says').textContent.startsWith('46.965° N, 10.055° E: predicted ')`, "true")
			scale := `document.querySelector('.leaflet-control-scale-line').textContent`
			before := b.eval(scale)
			b.key("+", "+")
			b.until(scale+` !== '`+before+`'`, "true")
			b.key("Home", "")
			b.until(scale, before)
			for range 12 {
				b.key("ArrowLeft", "")
			}
			b.until(head, "46.9650° N, 10.0050° E") // the end of the row

			// The list of the highest leads to its cells.
			place := b.eval(`document.querySelector('#top tbody button').textContent`)
			b.click("#top tbody button")
			b.until(`(`+head+`).split('°')[0].slice(0, 6)`, place[:6])

			// Search: by an area without regard to case and accents, a cell, a place, and in vain.
			for text, want := range map[string]string{"zoe": "Zoë's Hill", "19003_4302": "Cell 19003_4302", "46.975, 10.015": "Cell 19001_4302", "nowhere": "No area is called so.",
				"1_1": "There is no cell 1_1.", "0, 0": "No cell lies there.", "46.975, 370.015": "Cell 19001_4302", "0, 99999999999999999999999999": "No cell lies there.", "onerror": printable(hostile)} {
				b.eval(`document.querySelector('#find').value = ''; document.querySelector('#find').focus()`)
				b.write(text)
				b.key("Enter", "\r")
				b.until(`document.querySelector('#found').textContent`, want)
			}
			if n := b.eval(`document.querySelectorAll('#names option').length`); n != "2" {
				t.Errorf("%s names to choose from", n)
			}

			// The table sorts by pointer and keyboard, and says how.
			first := `document.querySelector('#areas tbody tr').cells[7].textContent` // its rank
			total := "#areas thead th:nth-child(2) button"
			b.click(total)
			b.until(first, "1")
			b.eval(`document.querySelector('` + total + `').focus()`)
			b.key("Enter", "\r")
			b.until(first, "2")
			b.until(`document.querySelector('#areas thead th:nth-child(2)').getAttribute('aria-sort')`, "ascending")
			b.click("#areas tbody tr:nth-child(2) button.area")
			b.until(`document.querySelector('#says').textContent`, "Zoë's Hill")

			// Everything that can be pressed has a name, and so have tables.
			unnamed := `[...document.querySelectorAll('button, input, select, [role]')].filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') ||
				(e.labels && e.labels.length) || e.id === 'found')).map(e => e.outerHTML).join()`
			if got := b.eval(unnamed); got != "" {
				t.Errorf("without a name: %s", got)
			}
			if got := b.eval(`[...document.querySelectorAll('table')].filter(x => !x.caption).length`); got != "0" {
				t.Errorf("%s tables without a caption", got)
			}
			b.quiet()
		})
	}
	b.t = t
	if pdf := b.print(); len(pdf) < 10_000 || string(pdf[:5]) != "%PDF-" {
		t.Errorf("a PDF of %d bytes", len(pdf))
	} else if folder := os.Getenv("OPENCARBON_PICTURES"); folder != "" {
		os.WriteFile(filepath.Join(folder, "test.pdf"), pdf, 0o666)
	}
}
