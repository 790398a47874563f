// Package native opens libsvm and XGBoost when a method asks for them, and
// fits with them. Nothing of them is needed to build; a library that is not
// there is an error that says how to get it. Numbers go in and out as slices;
// native memory never leaves the package but behind a type that is closed.
package native

// #cgo LDFLAGS: -ldl
// #include "loader.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"unsafe"

	"opencarbon/data/fault"
)

// ErrMissing is what the error wraps where a library cannot be opened.
var ErrMissing = errors.New("the library cannot be opened")

// library is one that is opened at most once.
type library struct {
	once     sync.Once
	err      error
	name     string   // as people call it
	files    []string // that are tried, in this order
	variable string   // of the environment: a path to try alone
	remedy   string
	open     func(name, message *C.char) C.int
}

func (l *library) ready() error {
	l.once.Do(func() { l.err = l.find() })
	return l.err
}

func (l *library) find() error {
	files := l.files
	if path := os.Getenv(l.variable); path != "" {
		files = []string{path}
	}
	var why []string
	for _, file := range files {
		err := call(func(message *C.char) C.int {
			name := C.CString(file)
			defer C.free(unsafe.Pointer(name))
			return l.open(name, message)
		})
		if err == nil {
			return nil
		}
		text := err.Error()
		if !strings.Contains(text, file) {
			text = file + " " + text
		}
		why = append(why, text)
	}
	return fault.Wrap(fmt.Errorf("%w: %s", ErrMissing, strings.Join(why, "; ")), l.name, "not found", l.remedy)
}

// call runs f with room for an error's text and makes an error of a result
// that is not 0.
func call(f func(message *C.char) C.int) error {
	message := (*C.char)(C.calloc(1, C.error_size))
	defer C.free(unsafe.Pointer(message))
	if f(message) != 0 {
		return errors.New(C.GoString(message))
	}
	return nil
}
