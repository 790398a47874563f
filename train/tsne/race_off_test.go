//go:build !race

package tsne

// raceDetector says that this test runs under -race.
const raceDetector = false
