package page

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// With OPENCARBON_PAGE=page.html OPENCARBON_PICTURES=folder it takes pictures of a
// page at the widths of a desk and a phone: those of the gallery were made so.
func TestPictures(t *testing.T) {
	page, folder := os.Getenv("OPENCARBON_PAGE"), os.Getenv("OPENCARBON_PICTURES")
	if page == "" || folder == "" {
		t.Skip("OPENCARBON_PAGE and OPENCARBON_PICTURES are not set")
	}
	b := open(t)
	for name, size := range map[string][2]int{"desk": {1400, 1000}, "phone": {390, 844}} {
		b.visit(page, size[0], size[1])
		time.Sleep(300 * time.Millisecond)
		b.picture(filepath.Join(folder, name+"-top.png"))
		x, y := b.middle("#map")
		b.mouse("mouseMoved", x+10, y+10, "none", 0)
		b.mouse("mousePressed", x+10, y+10, "left", 1)
		b.mouse("mouseReleased", x+10, y+10, "left", 1)
		for _, layer := range []string{"predicted", "true", "error", "range", "trust", "photo"} {
			if b.eval(`!!document.querySelector('input[value=`+layer+`]')`) == "true" {
				b.click("input[value=" + layer + "]")
				b.middle("#map")
				time.Sleep(400 * time.Millisecond)
				b.picture(filepath.Join(folder, name+"-"+layer+".png"))
			}
		}
		b.eval(`document.querySelector('#areas, #top').scrollIntoView()`)
		time.Sleep(200 * time.Millisecond)
		b.picture(filepath.Join(folder, name+"-areas.png"))
		if name == "desk" {
			if err := os.WriteFile(filepath.Join(folder, "page.pdf"), b.print(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		b.quiet()
	}
}
