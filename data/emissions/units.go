package emissions

import (
	"regexp"
	"slices"
	"strings"
)

// carbonToCO2 is the ratio of the molar masses, 44/12.
const carbonToCO2 = 44.0 / 12.0

// gramsPerMole is the molar mass of CO2.
const gramsPerMole = 44.0095

// prefixes are the SI's that amounts of carbon come with.
var prefixes = map[string]float64{"n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}

// unitForm is a unit as units writes it: kgC, GgCO2, umolCO2.
var unitForm = regexp.MustCompile(`^(n|u|µ|μ|m|k|M|G|T|P)?(g|t|mol)(CO2|C)$`)

// unitNames are examples for messages.
var unitNames = []string{"tC", "tCO2", "kgC", "kgCO2", "gC", "gCO2", "molCO2", "umolCO2", "proxy"}

// unitFactor returns the tonnes of CO2 in one of a unit: grams, tonnes or moles
// of carbon (C) or of carbon dioxide (CO2), with any SI prefix. A mole of the one
// is a mole of the other. A proxy has no unit and the factor 1.
func unitFactor(unit string) (factor float64, ok bool) {
	if unit == "proxy" {
		return 1, true
	}
	m := unitForm.FindStringSubmatch(unit)
	if m == nil {
		return 0, false
	}
	// One division or product of whole numbers, so that tC is 44/12 exactly.
	scale := prefixes[m[1]]
	switch m[2] {
	case "g":
		scale *= 1e-6
		if m[1] == "k" {
			scale = 1e-3
		}
	case "mol":
		return scale * gramsPerMole * 1e-6, true
	}
	if m[3] == "C" {
		scale *= carbonToCO2
	}
	return scale, true
}

// KnownUnit reports whether the amounts of an inventory can be in a unit, and
// names some that can.
func KnownUnit(unit string) (ok bool, examples string) {
	_, ok = unitFactor(unit)
	return ok, strings.Join(unitNames, ", ")
}

// Periods are the times that an amount may be of.
var Periods = []string{"year", "month", "day", "hour", "second"}

func knownPeriod(p string) bool { return slices.Contains(Periods, p) }
