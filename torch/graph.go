package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// Graph is work on a GPU that was written down once and is done again by one
// launch: a training step is a thousand small kernels, and starting them one by
// one takes longer than running them.
type Graph struct{ g C.ocg_graph }

// GraphsAvailable returns nil where graphs can be made, else why not.
func GraphsAvailable() error {
	var why *C.char
	check("graph", C.ocg_graph_available(&why))
	if why == nil {
		return nil
	}
	return fromText("graph", why)
}

// Capture writes down what f asks of the GPU d, which is not done. Everything
// that f reads must lie on the device and stay there; f must not look at a result,
// nor bring numbers from the host. What f made is overwritten by the next Replay,
// of any graph of the device. The error says what could not be written down.
func Capture(d Device, f func()) (graph *Graph, err error) {
	defer recoverError(&err)
	if !d.IsCUDA() {
		fail("graph", nil, "%v has no graphs, CUDA devices have", d)
	}
	g := &Graph{}
	check("graph", C.ocg_graph_begin(d.index(), &g.g))
	ended := false
	defer func() {
		if !ended { // f panicked: the thread must not stay in capture
			if e := C.ocg_graph_end(g.g); e != nil {
				C.ocg_free_text(e)
			}
			g.Close()
		}
	}()
	InScope(func(*Scope) { f() })
	e := C.ocg_graph_end(g.g)
	ended = true
	if e != nil {
		g.Close()
		check("graph", e)
	}
	return g, nil
}

// Replay does it all again. It does not wait for the device.
func (g *Graph) Replay() { check("graph", C.ocg_graph_replay(g.g)) }

// Close frees the graph.
func (g *Graph) Close() {
	if g.g != nil {
		C.ocg_graph_close(g.g)
		g.g = nil
	}
}

// CopyAsync overwrites t with src, which is pinned (Pin) where it comes from the
// host, and does not wait for the device.
func (t *Tensor) CopyAsync(src *Tensor) {
	t.must("copy_async_", src)
	check("copy_async_", C.ocg_copy_async_(t.h, src.h), t, src)
}

// Average moves each of averages towards the parameter at its place, on a GPU:
// a = decay a + (1 - decay) p.
func Average(averages, parameters []*Tensor, decay float64) {
	requireAll("average", averages...)
	requireAll("average", parameters...)
	if len(averages) != len(parameters) {
		fail("average", nil, "there are %d averages of %d parameters", len(averages), len(parameters))
	}
	if len(averages) > 0 {
		check("average", C.ocg_average_step(handles(averages), handles(parameters), C.int64_t(len(averages)), C.double(decay)))
	}
}
