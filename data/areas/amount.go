package areas

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"opencarbon/data/fault"
)

// tonnes of the units of mass, and of CO2 where the mass is of carbon.
var tonnes = map[string]float64{"g": 1e-6, "kg": 1e-3, "t": 1, "tonne": 1, "tonnes": 1, "kt": 1e3, "Mt": 1e6, "Gt": 1e9}

const carbon = 44.0 / 12 // t CO2 in a t of carbon

// amountForms is what ParseAmount understands, for messages.
const amountForms = `Write a number and a unit, such as "29.06 Mt", "29060 ktCO2" or "7.93 MtC": g, kg, t, kt, Mt or Gt, of CO2 (also where nothing is said) or of carbon (C), a year.`

// ParseAmount reads a yearly amount, such as "29.06 Mt", as tonnes of CO2. A number
// without a unit, an unknown unit, and anything but a positive finite number are
// *fault.Input errors; where names the place in them. unit is taken where the text
// has none.
func ParseAmount(where, text, unit string) (float64, error) {
	s := strings.TrimSpace(text)
	end := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789.,+-eE", r) })
	if end < 0 {
		end = len(s)
	}
	number, rest := s[:end], strings.TrimSpace(s[end:])
	if rest == "" {
		rest = strings.TrimSpace(unit)
	}
	v, err := strconv.ParseFloat(ungroup(number), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, fault.New(where, fmt.Sprintf("%q is no amount", text), amountForms)
	}
	factor, problem := unitOf(rest)
	switch {
	case problem != "":
		return 0, fault.New(where, fmt.Sprintf("%q %s", text, problem), amountForms)
	case v == 0:
		return 0, fault.New(where, fmt.Sprintf("%q is a total of nothing", text), "Leave the area out, or give its true total: cells cannot be scaled to 0 and stay a map.")
	case v < 0:
		return 0, fault.New(where, fmt.Sprintf("%q is negative", text), "Give what is emitted; sinks cannot be mapped.")
	case v*factor < 1e-9 || math.IsInf(v*factor, 0):
		return 0, fault.New(where, fmt.Sprintf("%q is no amount that a city emits", text), amountForms)
	}
	return v * factor, nil
}

// ungroup takes commas out of a number where they part it into thousands.
func ungroup(number string) string {
	parts := strings.Split(number, ",")
	for i, p := range parts[1:] {
		digits := p
		if i == len(parts)-2 {
			digits, _, _ = strings.Cut(p, ".")
		}
		if len(digits) != 3 {
			return number // 29,06: no number
		}
	}
	if len(parts) > 1 && (len(strings.TrimLeft(parts[0], "+-")) > 3 || strings.Trim(parts[0], "+-") == "") {
		return number
	}
	return strings.Join(parts, "")
}

// unitOf returns the tonnes of CO2 in a unit, or what is wrong with it.
func unitOf(unit string) (factor float64, problem string) {
	if unit == "" {
		return 0, "has no unit"
	}
	u := strings.Join(strings.Fields(unit), " ")
	for _, end := range []string{"/yr", "/year", "/a", " per year", " a year", " yr-1"} {
		u = strings.TrimSuffix(u, end)
	}
	u = strings.NewReplacer("CO₂", "CO2", " ", "").Replace(u)
	if strings.HasSuffix(u, "CO2e") || strings.HasSuffix(u, "CO2eq") {
		return 0, "counts other gases as well (CO2e)"
	}
	factor = 1
	if rest, ok := strings.CutSuffix(u, "CO2"); ok {
		u = rest
	} else if rest, ok := strings.CutSuffix(u, "C"); ok {
		u, factor = rest, carbon
	}
	mass, ok := tonnes[u]
	if !ok {
		return 0, fmt.Sprintf("has the unknown unit %q", unit)
	}
	return mass * factor, ""
}
