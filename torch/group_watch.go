package torch

/*
#include <stdlib.h>
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// beat is how often a process says in the store that it lives. One that has not
// for quiet is stopped or dead.
const (
	beat  = 500 * time.Millisecond
	quiet = 8 * beat
)

// watch is a process's own connection to the store. One goroutine uses it, which
// others ask: a store that does not answer blocks nobody else.
type watch struct {
	o     GroupOptions
	where string      // the store's host and port
	s     C.ocg_store // the goroutine's
	asked chan func()
	hosts []string     // of every rank, once all have met
	at    func() int64 // collectives entered; nil before the group is connected
	count int64
}

func newWatch(o GroupOptions, s C.ocg_store, where string) *watch {
	w := &watch{o: o, where: where, s: s, asked: make(chan func()), hosts: make([]string, o.World)}
	go w.run()
	return w
}

func (w *watch) run() {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case f := <-w.asked:
			if f == nil {
				C.ocg_store_close(w.s)
				return
			}
			f()
		case <-tick.C:
			w.count++
			at := int64(0)
			if w.at != nil {
				at = w.at()
			}
			_ = w.set(fmt.Sprint("beat/", w.o.Rank), fmt.Sprintf("%d %d", w.count, at)) // whoever needs the store finds out
		}
	}
}

// ask runs f on the goroutine; false: the store does not answer.
func (w *watch) ask(f func()) bool {
	ready := make(chan struct{})
	limit := time.NewTimer(2 * quiet)
	defer limit.Stop()
	select {
	case w.asked <- func() { f(); close(ready) }:
	case <-limit.C:
		return false
	}
	select {
	case <-ready:
		return true
	case <-limit.C:
		return false
	}
}

// set and get are the goroutine's.
func (w *watch) set(key, value string) error {
	k, v := C.CString(key), C.CString(value)
	defer C.free(unsafe.Pointer(k))
	defer C.free(unsafe.Pointer(v))
	if e := C.ocg_store_set(w.s, k, v); e != nil {
		return fromText("group.put", e)
	}
	return nil
}

func (w *watch) get(key string) (string, error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var v *C.char
	if e := C.ocg_store_get(w.s, k, &v); e != nil {
		return "", fromText("group.get", e)
	}
	if v == nil {
		return "", nil
	}
	defer C.ocg_free_text(v)
	return C.GoString(v), nil
}

// all are the values below key of every rank.
func (w *watch) all(key string) ([]string, error) {
	values := make([]string, w.o.World)
	var failed error
	switch answered := w.ask(func() {
		for r := range values {
			if values[r], failed = w.get(fmt.Sprint(key, "/", r)); failed != nil {
				return
			}
		}
	}); {
	case !answered: // the goroutine may still be at it
		return nil, w.noStore("does not answer")
	case failed != nil:
		return nil, w.noStore("is gone")
	}
	return values, nil
}

func (w *watch) noStore(what string) error {
	return fmt.Errorf("rank 0, which keeps the store at %s, %s", w.where, what)
}

func (w *watch) put(key, value string) error {
	var failed error
	if !w.ask(func() { failed = w.set(key, value) }) {
		return w.noStore("does not answer")
	}
	if failed != nil {
		return w.noStore("is gone")
	}
	return nil
}

// name is a rank with its host, where that is known.
func (w *watch) name(r int) string {
	if w.hosts[r] == "" {
		return fmt.Sprint("rank ", r)
	}
	return fmt.Sprintf("rank %d (%s)", r, w.hosts[r])
}

// meet waits until every rank is there and says what differs.
func (w *watch) meet(deadline time.Time) error {
	host, _ := os.Hostname()
	mine := strings.Join([]string{fmt.Sprintf("%s, process %d", host, os.Getpid()), Version(), w.o.About}, "\x1f")
	if err := w.put(fmt.Sprint("here/", w.o.Rank), mine); err != nil {
		return fmt.Errorf("rank %d: %w", w.o.Rank, err)
	}
	for {
		there, err := w.all("here")
		if err != nil {
			return fmt.Errorf("rank %d: %w", w.o.Rank, err)
		}
		var missing []string
		for r, text := range there {
			if text == "" {
				missing = append(missing, fmt.Sprint("rank ", r))
			}
		}
		if len(missing) == 0 {
			return w.compare(there)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("rank %d: of %d processes did not come to %s within %v: %s", w.o.Rank, w.o.World, w.where, w.o.Timeout, strings.Join(missing, ", "))
		}
		time.Sleep(beat / 5)
	}
}

func (w *watch) compare(there []string) error {
	first := strings.Split(there[0], "\x1f")
	for r, text := range there {
		part := strings.Split(text, "\x1f")
		w.hosts[r] = part[0]
		switch {
		case len(part) != 3 || len(first) != 3 || part[1] != first[1]:
			return fmt.Errorf("%s runs libtorch %s, rank 0 %s: all ranks must run the same", w.name(r), part[min(1, len(part)-1)], first[min(1, len(first)-1)])
		case part[2] != first[2]:
			return fmt.Errorf("%s was started otherwise than rank 0: %s there, %s here", w.name(r), part[2], first[2])
		}
	}
	return nil
}

// begin makes the beats tell how many collectives this process has entered.
func (w *watch) begin(at func() int64) { w.ask(func() { w.at = at }) }

// await waits for a text of a rank that lives.
func (w *watch) await(rank int, key string, limit time.Duration) (string, error) {
	deadline := time.Now().Add(limit)
	var last string
	moved := time.Now()
	for {
		var text, ended, now string
		var err error
		if !w.ask(func() {
			if text, err = w.get(key); err == nil && text == "" {
				ended, err = w.get(fmt.Sprint("ended/", rank))
				now, _ = w.get(fmt.Sprint("beat/", rank))
			}
		}) {
			return "", w.noStore("does not answer")
		}
		switch {
		case err != nil:
			return "", w.noStore("is gone")
		case text != "":
			return text, nil
		case ended != "":
			return "", fmt.Errorf("%s ended: %s", w.name(rank), ended)
		case now != last:
			last, moved = now, time.Now()
		case time.Since(moved) > 2*quiet:
			return "", fmt.Errorf("%s does not answer: it is stopped or dead", w.name(rank))
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("%s has not said %q within %v", w.name(rank), key, limit)
		}
		time.Sleep(beat)
	}
}

// blame says whom the collective at waited for.
func (w *watch) blame(at int64, message string) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("rank %d cannot go on: %s\n  (%s)", w.o.Rank, fmt.Sprintf(format, args...), message)
	}
	ended, err := w.all("ended")
	if err == nil {
		if who := w.ended(ended); who != "" {
			return fail("%s", who)
		}
	}
	var before, after []string
	if err == nil {
		before, err = w.all("beat")
	}
	if err == nil {
		time.Sleep(quiet)
		after, err = w.all("beat")
	}
	if err == nil {
		ended, err = w.all("ended")
	}
	if err != nil {
		return fail("%v", err)
	}
	if who := w.ended(ended); who != "" { // one that failed first has told by now
		return fail("%s", who)
	}
	var dead, late []string
	for r := range after {
		var count, where int64
		_, _ = fmt.Sscan(after[r], &count, &where)
		switch {
		case r == w.o.Rank:
		case after[r] == before[r]:
			dead = append(dead, w.name(r))
		case where < at:
			late = append(late, w.name(r))
		}
	}
	switch {
	case len(dead) > 0:
		return fail("%s does not answer: killed, stopped, or its machine is away", strings.Join(dead, ", "))
	case len(late) > 0:
		return fail("%s has not come to where the others wait (collective %d) within %v", strings.Join(late, ", "), at, w.o.Timeout)
	}
	return fail("the connection to another rank broke, though all of them live")
}

// ended names the rank that ended first, of what each has left; a rank that ended
// because of another says so itself.
func (w *watch) ended(reasons []string) string {
	const because = " cannot go on: "
	i := slices.IndexFunc(reasons, func(s string) bool { return s != "" && !strings.Contains(s, because) })
	if i >= 0 {
		return fmt.Sprintf("%s ended: %s", w.name(i), reasons[i])
	}
	for _, s := range reasons {
		if _, who, ok := strings.Cut(s, because); ok {
			who, _, _ = strings.Cut(who, "\n")
			return who
		}
	}
	return ""
}

// tell tells the others why this process leaves.
func (w *watch) tell(err error) {
	if err != nil {
		_ = w.put(fmt.Sprint("ended/", w.o.Rank), err.Error()) // without a store there is nobody to tell
	}
}

// end ends the connection. With rank 0 goes the store: where something failed it
// lets the others read first.
func (w *watch) end(failed bool) {
	if failed && w.o.Rank == 0 {
		time.Sleep(quiet + 2*beat)
	}
	limit := time.NewTimer(quiet)
	defer limit.Stop()
	select {
	case w.asked <- nil:
	case <-limit.C: // stuck in a store that does not answer; the process ends
	}
}
