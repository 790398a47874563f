// Command coverage is the old name of intervals, which people took for Go's test
// coverage.
package main

import (
	"fmt"
	"os"

	"opencarbon/cmd/internal/cli"
	"opencarbon/cmd/internal/intervals"
)

func main() {
	fmt.Fprintln(os.Stderr, "coverage is called intervals now: go run ./cmd/intervals")
	cli.Main(intervals.Command("coverage"))
}
