package poi

import (
	"embed"
	"strings"

	"opencarbon/data/fault"
)

// Category tables that come with the program, for data.poi.categories:
// preset:NAME.
//
//go:embed tables/*.yaml
var tableFiles embed.FS

const tablePrefix = "preset:"

// tableNames lists the embedded tables, sorted.
func tableNames() []string {
	entries, err := tableFiles.ReadDir("tables")
	if err != nil {
		return nil // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// presetTable is the text of an embedded table; path is preset:NAME.
func presetTable(path string) ([]byte, error) {
	name := strings.TrimPrefix(path, tablePrefix)
	b, err := tableFiles.ReadFile("tables/" + name + ".yaml")
	if err != nil {
		return nil, fault.New(path, "there is no such category table", "Tables that come with the program: "+tablePrefix+strings.Join(tableNames(), ", "+tablePrefix)+".")
	}
	return b, nil
}
