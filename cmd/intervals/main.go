// Command intervals checks that prediction intervals hold the truth as often as
// they promise.
package main

import (
	"opencarbon/cmd/internal/cli"
	"opencarbon/cmd/internal/intervals"
)

func main() { cli.Main(intervals.Command("intervals")) }
