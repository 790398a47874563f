package emissions

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Unit is what an inventory's number is, as its text says it.
type Unit struct {
	Amount string // as data.emissions.units writes it: kgCO2; without C or CO2 where the text does not say of what
	Gas    string // C | CO2; empty: not said
	Per    string // cell | km2 | m2
	Period string // one of Periods; empty: not said
}

// unitText are the ways in which programs and people write the same thing.
var unitText = strings.NewReplacer("**", "^", "·", " ", "*", " ", "−", "-", "²", "2", "⁻¹", "-1", "⁻", "-", "¹", "1", "(", " ", ")", " ",
	"CO₂", "CO2", "_", " ", ",", " ", "[", " ", "]", " ")

var (
	unitFactorForm = regexp.MustCompile(`^([A-Za-zµμ]+)\^?(-?[0-9])?$`)
	unitMass       = regexp.MustCompile(`^(n|u|µ|μ|m|k|M|G|T|P)?(g|t|mol)(?:-?(CO2|C))?$`)
)

// unitWords are spelled-out masses.
var unitWords = map[string]string{
	"gram": "g", "grams": "g", "kilogram": "kg", "kilograms": "kg", "ton": "t", "tons": "t", "tonne": "t", "tonnes": "t",
	"kiloton": "kt", "kilotons": "kt", "kilotonne": "kt", "kilotonnes": "kt", "kton": "kt", "ktons": "kt",
	"megaton": "Mt", "megatons": "Mt", "megatonne": "Mt", "megatonnes": "Mt", "mton": "Mt",
	"mole": "mol", "moles": "mol", "micromole": "umol", "micromoles": "umol", "micromol": "umol",
}

// unitTimes are spelled-out periods.
var unitTimes = map[string]string{
	"s": "second", "sec": "second", "second": "second", "seconds": "second",
	"h": "hour", "hr": "hour", "hrs": "hour", "hour": "hour", "hours": "hour",
	"d": "day", "day": "day", "days": "day",
	"mon": "month", "month": "month", "months": "month",
	"a": "year", "y": "year", "yr": "year", "year": "year", "years": "year", "annum": "year",
}

// unitFiller are words that say nothing more.
var unitFiller = map[string]bool{"metric": true, "of": true, "cell": true, "gridcell": true, "grid": true, "pixel": true, "substance": true}

// ParseUnit reads a unit as inventories and people write it: kg m-2 s-1, gC/m2/d,
// Mg km-2 year-1, kgC/h, Tonnes, tonnes of CO2 per cell per year. A slash is of
// the one word after it, as UDUNITS has it. ok is false for anything else.
func ParseUnit(text string) (u Unit, ok bool) {
	if len(text) > 200 {
		return u, false
	}
	u.Per = "cell"
	over := false // the word stands below the line
	powers := map[string]int{}
	for _, word := range strings.Fields(strings.NewReplacer("/", " / ", ".", " ").Replace(unitText.Replace(text))) {
		if word == "/" || strings.EqualFold(word, "per") {
			if over {
				return u, false // two slashes
			}
			over = true
			continue
		}
		sign := 1
		if over {
			sign = -1
		}
		if unitFiller[strings.ToLower(word)] {
			over = over && strings.EqualFold(word, "grid")
			continue
		}
		over = false
		if !u.word(word, sign, powers) {
			return u, false
		}
	}
	return u, !over && u.Amount != "" && u.finish(powers)
}

// word takes one factor of a unit.
func (u *Unit) word(word string, sign int, powers map[string]int) bool {
	gas := map[string]string{"C": "C", "CARBON": "C", "CO2": "CO2", "CO2E": ""}
	if g, is := gas[strings.ToUpper(word)]; is {
		// CO2e holds other gases too.
		if g == "" || sign < 0 || u.Gas != "" && u.Gas != g {
			return false
		}
		u.Gas = g
		return true
	}
	if w, is := unitWords[strings.ToLower(word)]; is {
		word = w
	}
	if m := unitMass.FindStringSubmatch(word); m != nil {
		if sign < 0 || u.Amount != "" || m[3] != "" && u.Gas != "" && u.Gas != m[3] {
			return false
		}
		u.Amount = m[1] + m[2]
		if m[3] != "" {
			u.Gas = m[3]
		}
		return true
	}
	m := unitFactorForm.FindStringSubmatch(word)
	if m == nil {
		return false
	}
	power := 1
	if m[2] != "" {
		power, _ = strconv.Atoi(m[2])
	}
	name := m[1]
	if name != "m" && name != "km" {
		if name = unitTimes[strings.ToLower(name)]; name == "" {
			return false
		}
	}
	powers[name] += sign * power
	return true
}

// finish tells area and time from the powers of lengths and times.
func (u *Unit) finish(powers map[string]int) bool {
	for name, p := range powers {
		switch {
		case p == -2 && (name == "m" || name == "km") && u.Per == "cell":
			u.Per = name + "2"
		case p == -1 && knownPeriod(name) && u.Period == "":
			u.Period = name
		default:
			return false
		}
	}
	u.Amount += u.Gas
	return true
}

// contradicted says how the unit that a file states differs from what the
// configuration says; "" where it does not, or the text is no unit.
func (s *Spec) contradicted(text string) string {
	u, ok := ParseUnit(text)
	if !ok || s.proxy() {
		return ""
	}
	if u.Gas == "" { // of the same, whatever that is
		u.Amount += "CO2"
		if strings.HasSuffix(s.Units, "C") {
			u.Amount = strings.TrimSuffix(u.Amount, "O2")
		}
	}
	have, _ := unitFactor(u.Amount)
	want, _ := unitFactor(s.Units)
	same := math.Abs(have-want) <= 1e-9*want && u.Per == s.Per && (u.Period == "" || u.Period == s.Period)
	if same {
		return ""
	}
	return fmt.Sprintf("the file says that its unit is %q, data.emissions that it is %s per %s and %s", text, s.Units, s.Per, s.Period)
}
