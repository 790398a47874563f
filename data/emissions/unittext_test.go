package emissions

import (
	"strings"
	"testing"
)

func TestUnitText(t *testing.T) {
	for _, c := range []struct {
		text string
		want Unit
	}{
		{"kg m-2 s-1", Unit{"kg", "", "m2", "second"}}, // EDGAR, CAMS
		{"kg/m2/s", Unit{"kg", "", "m2", "second"}},
		{"kg m**-2 s**-1", Unit{"kg", "", "m2", "second"}},
		{"kg m^-2 s^-1", Unit{"kg", "", "m2", "second"}},
		{"kg·m⁻²·s⁻¹", Unit{"kg", "", "m2", "second"}},
		{"kgCO2 m-2 s-1", Unit{"kgCO2", "CO2", "m2", "second"}},
		{"gC/m2/d", Unit{"gC", "C", "m2", "day"}},                                   // ODIAC, 1 degree
		{"gC m-2 day-1", Unit{"gC", "C", "m2", "day"}},                              //
		{"Mg km-2 year-1", Unit{"Mg", "", "km2", "year"}},                           // Vulcan 3
		{"kgC/h", Unit{"kgC", "C", "cell", "hour"}},                                 // GRACED
		{"Tonnes", Unit{"t", "", "cell", ""}},                                       // EDGAR
		{"Tg/yr", Unit{"Tg", "", "cell", "year"}},                                   //
		{"umol m-2 s-1", Unit{"umol", "", "m2", "second"}},                          //
		{"micromol/m2/s", Unit{"umol", "", "m2", "second"}},                         //
		{"metric tons of CO2 per km2 per year", Unit{"tCO2", "CO2", "km2", "year"}}, // Vulcan 4
		{"tonne carbon/cell/month", Unit{"tC", "C", "cell", "month"}},               // ODIAC, 1 km
		{"tonnes CO2 per grid cell per year", Unit{"tCO2", "CO2", "cell", "year"}},
		{"tonnes/annum", Unit{"t", "", "cell", "year"}}, // LAEI
		{"ktCO2", Unit{"ktCO2", "CO2", "cell", ""}},
		{"Mt CO2", Unit{"MtCO2", "CO2", "cell", ""}},
		{"molC m-2 s-1", Unit{"molC", "C", "m2", "second"}},
	} {
		if got, ok := ParseUnit(c.text); !ok || got != c.want {
			t.Errorf("%q: %+v, %v, want %+v", c.text, got, ok, c.want)
		}
	}
	for _, text := range []string{"", "1", "m-2 s-1", "kg m-2 s-2", "kg m2 s-1", "kg kg-1", "kg/m", "kg//s", "tCO2e", "kgC CO2", "furlongs", "kg m-2 km-2", "s", "/kg", "kg/", "kg s-1 yr-1",
		strings.Repeat("kg ", 200)} {
		if got, ok := ParseUnit(text); ok {
			t.Errorf("%q gave %+v", text, got)
		}
	}
}

func FuzzUnitText(f *testing.F) {
	for _, s := range []string{"kg m-2 s-1", "gC/m2/d", "Mg km-2 year-1", "kgC/h", "tonnes of CO2 per grid cell per year", "kg m^-2 s**-1", "/", "per per", "m-", "CO2 CO2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, ok := ParseUnit(s)
		if !ok {
			return
		}
		amount := u.Amount
		if u.Gas == "" {
			amount += "CO2"
		}
		if factor, known := unitFactor(amount); !known || factor <= 0 {
			t.Errorf("%q gave the unit %q, which is none", s, u.Amount)
		}
		if u.Period != "" && !knownPeriod(u.Period) || u.Per != "cell" && u.Per != "m2" && u.Per != "km2" {
			t.Errorf("%q gave %+v", s, u)
		}
	})
}

// TestContradicted: a file that says its unit is compared with the configuration.
func TestContradicted(t *testing.T) {
	for _, c := range []struct {
		s    Spec
		text string
		want bool
	}{
		{Spec{Units: "gC", Per: "m2", Period: "day"}, "gC/m2/d", false},
		{Spec{Units: "kgC", Per: "m2", Period: "day"}, "gC/m2/d", true},
		{Spec{Units: "gC", Per: "cell", Period: "day"}, "gC/m2/d", true},
		{Spec{Units: "gC", Per: "m2", Period: "second"}, "gC/m2/d", true},
		{Spec{Units: "kgCO2", Per: "m2", Period: "second"}, "kg m-2 s-1", false},
		{Spec{Units: "kgC", Per: "m2", Period: "second"}, "kg m-2 s-1", false},
		{Spec{Units: "MgC", Per: "km2", Period: "year"}, "tonnes C km-2 yr-1", false},
		{Spec{Units: "tCO2", Per: "cell", Period: "month"}, "Tonnes", false},
		{Spec{Units: "tCO2", Per: "cell", Period: "year"}, "metre", false},
		{Spec{Units: "proxy", Per: "cell", Period: "year"}, "kg", false},
	} {
		if got := c.s.contradicted(c.text); (got != "") != c.want {
			t.Errorf("%+v, %q: %q", c.s, c.text, got)
		}
	}
}
