package poi

import (
	"cmp"
	"fmt"
	"strings"
)

// Report is what reading a POI file counted. Rows = Bad + Duplicates + Outside + ZeroCount +
// Ignored + Unmapped + Uncategorized + what the categories hold.
type Report struct {
	CRS           string       `json:"crs"`                // that the coordinates were in
	Encoding      string       `json:"encoding"`           // of a table's text; empty for UTF-8
	Columns       string       `json:"columns"`            // that were read, of a table
	Note          string       `json:"note,omitempty"`     // what a person should look at
	Rows          int          `json:"rows"`               // rows or features read
	Bad           int          `json:"bad"`                // rows that could not be used
	BadExamples   []string     `json:"bad_examples"`       // the first few: line and reason
	Duplicates    int          `json:"duplicates"`         // points whose id had come before at the same place in the same category
	IDElsewhere   int          `json:"id_elsewhere"`       // points whose id had come before at another place or in another category; kept
	ZeroCount     int          `json:"zero_count"`         // points that are counted 0 times
	Outside       int          `json:"outside"`            // points in no cell
	Swapped       int          `json:"swapped"`            // of those: would lie in the region if longitude and latitude changed places
	Ignored       int          `json:"ignored"`            // points that the category table ignores
	Unmapped      int          `json:"unmapped"`           // points that the category table does not know
	Untagged      int          `json:"untagged,omitempty"` // rows of a table that have none of the tags looked for, not among Rows
	Other         int          `json:"other,omitempty"`    // points that fell to the category table's other
	Uncategorized int          `json:"uncategorized"`      // points without a category, where there is no table
	Pixels        int          `json:"pixels"`             // different (cell, category, row, column)
	PerCategory   []ValueCount `json:"per_category"`       // in the order of the categories; count columns are added up
	// UnmappedValues are the raw values behind Unmapped, the commonest first, at
	// most 1,000 of them.
	UnmappedValues []ValueCount `json:"unmapped_values"`
	OtherValues    []ValueCount `json:"other_values,omitempty"` // the same behind Other
}

// Commonest lists the first n raw values that the category table does not know.
func (r Report) Commonest(n int) string { return firstValues(r.UnmappedValues, n) }

// ValueCount is a category or raw value and how many points have it.
type ValueCount struct {
	Value string  `json:"value"`
	Count float64 `json:"count"`
}

// byCount orders the commonest first, and equals by name.
func byCount(a, b ValueCount) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
}

// firstValues lists the first n values with their counts.
func firstValues(v []ValueCount, n int) string {
	var s []string
	for _, x := range v[:min(n, len(v))] {
		s = append(s, fmt.Sprintf("%q (%g)", x.Value, x.Count))
	}
	if len(v) > n {
		s = append(s, fmt.Sprintf("and %d more", len(v)-n))
	}
	return strings.Join(s, ", ")
}
