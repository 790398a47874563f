package torch

/*
#include <stdlib.h>
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
	"unsafe"
)

// Group is the processes that train together; a nil Group, and one of a single
// process, does nothing, so that training is one code path. Every method but
// Close, Put and Await is a collective: all processes call it, in the same order,
// and each waits for the others; that a process is gone, or has not come within
// the timeout, is a panic with an *Error that names it.
type Group struct {
	Rank, World int
	h           C.ocg_group
	watch       *watch
	collective  C.ocg_store   // belongs to h
	timeout     time.Duration // of a collective
}

// GroupOptions say where processes meet.
type GroupOptions struct {
	Rank, World int
	Host        string        // of rank 0
	Port        int           // there, where it keeps the store
	Prefix      string        // of the store's keys: another one for each attempt
	Timeout     time.Duration // most that a process waits for the others; 0: five minutes
	About       string        // what must be alike in all processes, e.g. the program's version
}

const groupTimeout = 5 * time.Minute

// GroupAvailable reports whether the libtorch that the program was built with has
// what several processes need.
func GroupAvailable() bool { return C.ocg_group_available() != 0 }

// NewGroup waits until all processes are there and connects them. The error names
// those that have not come, and those that run another libtorch. It may be called
// outside Run.
func NewGroup(o GroupOptions) (*Group, error) {
	if o.World <= 1 {
		return &Group{World: 1}, nil
	}
	if o.Timeout <= 0 {
		o.Timeout = groupTimeout
	}
	g := &Group{Rank: o.Rank, World: o.World, timeout: o.Timeout}
	deadline := time.Now().Add(o.Timeout)
	where := net.JoinHostPort(o.Host, fmt.Sprint(o.Port))
	open := func(serve bool) (s C.ocg_store, err error) {
		host, prefix := C.CString(o.Host), C.CString("opencarbon/"+o.Prefix)
		defer C.free(unsafe.Pointer(host))
		defer C.free(unsafe.Pointer(prefix))
		if e := C.ocg_store_open(host, C.int64_t(o.Port), flag(serve), prefix, C.int64_t(time.Until(deadline).Milliseconds()), &s); e != nil {
			err = fromText("group", e)
		}
		return s, err
	}
	var err error
	if g.collective, err = open(o.Rank == 0); err != nil {
		if o.Rank == 0 {
			return nil, fmt.Errorf("rank 0 cannot keep the store at %s: %w\n  Another program, or what is left of an earlier run, may have the port; set MASTER_PORT to a free one", where, err)
		}
		return nil, fmt.Errorf("rank %d: rank 0 did not answer at %s within %v: %w\n  It has not started, or the port is another program's, or it runs another libtorch than this process's %s",
			o.Rank, where, o.Timeout, err, Version())
	}
	beats, err := open(false)
	if err != nil {
		C.ocg_store_close(g.collective)
		return nil, fmt.Errorf("rank %d: %s: %w", o.Rank, where, err)
	}
	g.watch = newWatch(o, beats, where)
	if err := g.watch.meet(deadline); err != nil {
		g.Close(err)
		return nil, err
	}
	address, isInterface := os.Getenv("GLOO_SOCKET_IFNAME"), true
	if address == "" {
		address, isInterface = ownAddress(where, o.Host), false
	}
	text := C.CString(address)
	defer C.free(unsafe.Pointer(text))
	if e := C.ocg_group_open(g.collective, C.int64_t(o.Rank), C.int64_t(o.World), C.int64_t(o.Timeout.Milliseconds()), text, flag(isInterface), &g.h); e != nil {
		err := g.blame(fromText("group", e).Error())
		g.Close(err)
		return nil, err
	}
	g.watch.begin(func() int64 { return int64(C.ocg_group_at(g.h)) })
	return g, nil
}

// ownAddress is this machine's address on the way to rank 0. Debian resolves a
// machine's own name to 127.0.1.1, where others would look for it in vain.
func ownAddress(where, host string) string {
	address := "127.0.0.1"
	if c, err := net.Dial("udp", where); err == nil {
		address, _, _ = net.SplitHostPort(c.LocalAddr().String())
		c.Close()
	}
	ip := net.ParseIP(address)
	if ip == nil || !ip.IsLoopback() || host == "localhost" || net.ParseIP(host) != nil {
		return address
	}
	list, _ := net.InterfaceAddrs()
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return address
}

// Alone reports whether there is one process.
func (g *Group) Alone() bool { return g == nil || g.World <= 1 }

// Close leaves the group; err, where there is one, is what the others are told.
func (g *Group) Close(err error) {
	if g.Alone() || g.watch == nil {
		return
	}
	g.watch.tell(err)
	if g.h != nil {
		C.ocg_group_close(g.h) // from here on the others know that something is wrong
	}
	g.watch.end(err != nil)
	C.ocg_store_close(g.collective)
	g.h, g.watch, g.collective = nil, nil, nil
}

// Put leaves a text for the others, in the store.
func (g *Group) Put(key, value string) error {
	if g.Alone() {
		return nil
	}
	return g.watch.put("said/"+key, value)
}

// Await waits for a text that another process has Put, as long as that process
// lives; limit is the most.
func (g *Group) Await(rank int, key string, limit time.Duration) (string, error) {
	return g.watch.await(rank, "said/"+key, limit)
}

// check panics when a collective failed, with the name of who is missing.
func (g *Group) check(op string, e C.ocg_error, inputs ...*Tensor) {
	if e == nil {
		return
	}
	message := C.GoString(e)
	C.ocg_free_text(e)
	panic(&Error{Op: op, Inputs: describe(inputs), Message: g.blame(message).Error()})
}

// Within runs f, which meets the others in the middle of something else: the
// backward pass of BatchNorm. That another is gone is an *Error that names it there
// too.
func (g *Group) Within(f func()) {
	if !g.Alone() {
		defer func() {
			switch p := recover().(type) {
			case nil:
			case *Error:
				if strings.Contains(p.Message, "gloo") || strings.Contains(p.Message, "NCCL") {
					p = &Error{Op: p.Op, Inputs: p.Inputs, Message: g.blame(p.Message).Error()}
				}
				panic(p)
			default:
				panic(p)
			}
		}()
	}
	f()
}

// blame says which process a failed collective waited for.
func (g *Group) blame(message string) error {
	message, _, _ = strings.Cut(message, "\n")
	at := int64(0)
	if g.h != nil {
		at = int64(C.ocg_group_at(g.h))
	}
	return g.watch.blame(at, message)
}

// SumGradients replaces the gradient of every tensor, and each number of tail, by
// its sum over the processes. What has no gradient must have none in all of them.
func (g *Group) SumGradients(ts []*Tensor, tail []float64) {
	if g.Alone() {
		return
	}
	requireAll("group.sum_gradients", ts...)
	g.check("group.sum_gradients", C.ocg_group_sum(g.h, handles(ts), C.int64_t(len(ts)), (*C.double)(unsafe.SliceData(tail)), C.int64_t(len(tail))))
}

// Numbers are every process's v, which are as many in each.
func (g *Group) Numbers(v []float64) [][]float64 {
	if g.Alone() {
		return [][]float64{v}
	}
	mustEngine("group.numbers")
	all := make([]float64, g.World*len(v))
	g.check("group.numbers", C.ocg_group_numbers(g.h, (*C.double)(unsafe.SliceData(v)), C.int64_t(len(v)), (*C.double)(unsafe.SliceData(all))))
	out := make([][]float64, g.World)
	for r := range out {
		out[r] = all[r*len(v) : (r+1)*len(v)]
	}
	return out
}

// Broadcast gives every process the values that the tensors have in rank 0.
func (g *Group) Broadcast(ts []*Tensor) {
	if g.Alone() {
		return
	}
	requireAll("group.broadcast", ts...)
	g.check("group.broadcast", C.ocg_group_broadcast(g.h, handles(ts), C.int64_t(len(ts)), 0))
}

// Part is the part of a loss that this process goes back from: those of all
// processes add up to 1. Each is a power of two, so that gradients are not rounded
// otherwise than one process's.
func (g *Group) Part() float64 {
	if g.Alone() {
		return 1
	}
	k := 1
	for 2*k <= g.World {
		k *= 2
	}
	if g.Rank < 2*(g.World-k) {
		k *= 2
	}
	return 1 / float64(k)
}

// Rows puts the processes' rows of x [n, width] one behind the other; of process
// r's the first counts[r] count. The gradient of this process's rows is divided by
// Part: each process goes on alike with all rows and goes back from its part of the
// loss, so that the sum of gradients over processes is the whole loss's, for what
// lies before Rows and for what lies behind it.
func (g *Group) Rows(x *Tensor, counts []int) *Tensor {
	if g.Alone() {
		return x
	}
	return g.rows(x, counts, 1/g.Part())
}

// rows is Rows, whose gradient is multiplied by scale.
func (g *Group) rows(x *Tensor, counts []int, scale float64) *Tensor {
	const op = "group.rows"
	x.must(op)
	if len(counts) != g.World {
		fail(op, []*Tensor{x}, "%d counts for %d processes", len(counts), g.World)
	}
	c := make([]C.int64_t, len(counts))
	for i, n := range counts {
		c[i] = C.int64_t(n)
	}
	var h C.ocg_tensor
	g.check(op, C.ocg_group_rows(g.h, x.h, &c[0], C.double(scale), &h), x)
	return adopt(h)
}

// BatchNorm is BatchNorm in training by the statistics of all processes' rows.
// With mute this process's rows do not count, and no gradient flows to them.
func (g *Group) BatchNorm(x, w, b, runningMean, runningVar *Tensor, mute bool, o BatchNormOptions) *Tensor {
	const op = "group.batch_norm"
	requireAll(op, x, w, b, runningMean, runningVar)
	check(op, C.ocg_group_share(g.h, 1-flag(mute)))
	var h C.ocg_tensor
	g.check(op, C.ocg_group_batch_norm(g.h, x.h, w.h, b.h, runningMean.h, runningVar.h, C.double(o.Momentum), C.double(o.Eps), &h), x)
	return adopt(h)
}
