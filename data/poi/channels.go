package poi

import (
	"fmt"
	"slices"

	"opencarbon/data/fault"
)

// maxUnmapped bounds the list of values that a category table does not know.
const maxUnmapped = 1000

// channels decides the categories: their names and, for each raw value, its
// category's number, or -1.
func (c *collector) channels() (names []string, channel []int32, err error) {
	channel = make([]int32, len(c.names))
	if c.table == nil {
		for k, name := range c.names {
			if c.seen[k] > 0 && name != "" {
				names = append(names, name)
			}
		}
		if len(names) > maxRawCategories {
			return nil, nil, fault.New(c.spec.Path, fmt.Sprintf("has %d different categories, more than the %d that are sensible as they are", len(names), maxRawCategories),
				"Is data.poi.columns.category the right column? If so, group its values with a table in data.poi.categories.")
		}
		slices.Sort(names)
		at := map[string]int32{}
		for i, name := range names {
			at[name] = int32(i)
		}
		for k, name := range c.names {
			channel[k] = -1
			if i, ok := at[name]; ok {
				channel[k] = i
			} else if name == "" {
				c.report.Uncategorized += int(c.seen[k])
			}
		}
		if len(names) == 0 {
			return nil, nil, fault.New(c.spec.Path, "no point in the region has a category", "Name the column that holds categories in data.poi.columns.category.")
		}
		return names, channel, nil
	}
	used := 0.0
	for k, name := range c.names {
		m, listed := c.table.match(name)
		channel[k] = int32(m)
		switch {
		case m >= 0:
			used += c.seen[k]
			if !listed && c.seen[k] > 0 {
				c.report.Other += int(c.seen[k])
				c.report.OtherValues = append(c.report.OtherValues, ValueCount{name, c.seen[k]})
			}
		case m == Ignored:
			c.report.Ignored += int(c.seen[k])
		case c.seen[k] > 0:
			c.report.Unmapped += int(c.seen[k])
			c.report.UnmappedValues = append(c.report.UnmappedValues, ValueCount{name, c.seen[k]})
		}
		if m < 0 {
			channel[k] = -1
		}
	}
	for _, list := range []*[]ValueCount{&c.report.UnmappedValues, &c.report.OtherValues} {
		slices.SortFunc(*list, byCount)
		*list = (*list)[:min(len(*list), maxUnmapped)]
	}
	if used == 0 {
		return nil, nil, fault.New(c.spec.Categories, fmt.Sprintf("maps none of the %d points in the region to a category", c.inside),
			"The commonest values that it does not know: "+firstValues(c.report.UnmappedValues, 8))
	}
	return c.table.Names, channel, nil
}
