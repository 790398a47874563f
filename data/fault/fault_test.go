package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestInput(t *testing.T) {
	cause := errors.New("no such file")
	inner := Wrap(cause, "/mnt/data.old/a.tif", "cannot be read", "Check the path.")
	for _, c := range []struct {
		err         error
		text, brief string
	}{
		{New("a.csv", "has no rows", "Give one with rows."), "a.csv: has no rows\n  Give one with rows.", "a.csv: has no rows"},
		{New("", "has no rows", ""), "has no rows", "has no rows"},
		{inner, "/mnt/data.old/a.tif: cannot be read: no such file\n  Check the path.", "/mnt/data.old/a.tif: cannot be read: no such file"},
		{Wrap(inner, "store", "cannot be used", "Build anew."), "store: cannot be used: /mnt/data.old/a.tif: cannot be read: no such file\n  Check the path.\n  Build anew.",
			"store: cannot be used: /mnt/data.old/a.tif: cannot be read: no such file"},
		{&Input{Where: "a.csv", What: "has no rows", Remedy: "Give one with rows.", Section: "data.poi"},
			"a.csv: has no rows\n  Give one with rows.\n  The section of the experiment file: data.poi", "a.csv: has no rows"},
		{fmt.Errorf("region x: %w", New("a\x1b", "is odd", "Mend it.")), "region x: a\\x1b: is odd\n  Mend it.", "a\\x1b: is odd"},
		{cause, "no such file", "no such file"},
	} {
		if c.err.Error() != c.text || Brief(c.err) != c.brief {
			t.Errorf("%q and %q, want %q and %q", c.err, Brief(c.err), c.text, c.brief)
		}
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"":            "",
		"has no rows": "has no rows",
		New("a.csv", "has no  rows", "Give one with rows.").Error():                                    "a.csv: has no rows. Give one with rows.",
		(&Input{Where: "a", What: "is odd", Remedy: "Mend it.", Section: "data.poi"}).Error() + "\n\n": "a: is odd. Mend it. The section of the experiment file: data.poi",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
