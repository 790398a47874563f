//go:build race

package pth

// raceDetector says that tests run some ten times slower.
const raceDetector = true
