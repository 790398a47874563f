package poi

import (
	"runtime/debug"
	"sync"
)

// tight counts the readings under way: the setting is the whole process's.
var tight struct {
	sync.Mutex
	n, before int
}

// tighten has garbage collected sooner while a file is read. What is kept of ten
// million points or of a country is hundreds of megabytes; it is not to be twice
// that. It holds few pointers, so that collecting costs little.
func tighten() {
	tight.Lock()
	defer tight.Unlock()
	if tight.n++; tight.n == 1 {
		tight.before = debug.SetGCPercent(40)
	}
}

// loosen ends what tighten began. After large files it gives memory back to the
// system, which would stay with the process while it reads images.
func loosen(large bool) {
	tight.Lock()
	defer tight.Unlock()
	if tight.n--; tight.n == 0 {
		debug.SetGCPercent(tight.before)
	}
	if large {
		debug.FreeOSMemory()
	}
}
