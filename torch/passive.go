package torch

import (
	"os"
	"runtime"
	"syscall"
)

// libtorch's threads meet at barriers of libgomp, which by default spins there:
// beside one other busy process two threads then take several times as long as
// one. libgomp reads how to wait from the environment when it is loaded, which is
// before any Go code runs. So passive_linux.c puts "waiting threads sleep" there as
// the program is loaded. Where it finds no room, the process begins anew once, as
// itself, with the same setting; that costs a second start, 0.4 s of a processor's
// time. A user's own setting stays.
func init() {
	if runtime.GOOS != "linux" {
		return
	}
	for _, name := range []string{"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} {
		if _, ok := os.LookupEnv(name); ok {
			return
		}
	}
	path, err := os.Executable()
	if err != nil {
		return // it is only slower on a busy machine
	}
	// On success this does not return; where it is not allowed, all goes on as it was.
	_ = syscall.Exec(path, os.Args, append(os.Environ(), "OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=0"))
}
