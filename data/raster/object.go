//go:build !nogdal

package raster

/*
#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"errors"
	"time"
	"unsafe"
)

// Object is Stat that tells why something is not there: the error has the words of
// GDAL or of the server (a store of objects: no credentials, access denied).
func Object(name string) (size int64, changed time.Time, err error) {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	var bytes, seconds C.longlong
	err = nativeLenient(func() error {
		if C.ocraster_object(c, &bytes, &seconds) != 1 {
			return errors.New("not found")
		}
		return nil
	})
	return int64(bytes), time.Unix(int64(seconds), 0).UTC(), err
}

// Names lists what lies in a folder of GDAL's file systems.
func Names(folder string) (names []string, err error) {
	c := C.CString(folder)
	defer C.free(unsafe.Pointer(c))
	err = nativeLenient(func() error {
		list := C.ocraster_names(c)
		if list == nil {
			return errors.New("not found")
		}
		defer C.ocraster_free_list(list)
		for i := 0; ; i++ {
			one := *(**C.char)(unsafe.Add(unsafe.Pointer(list), uintptr(i)*unsafe.Sizeof(*list)))
			if one == nil {
				return nil
			}
			names = append(names, C.GoString(one))
		}
	})
	return names, err
}

// Copy hands the content of a file of GDAL's file systems to each in pieces, which
// are its own only until it returns. An error of each ends it and is returned.
func Copy(name string, each func([]byte) error) error {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	var f unsafe.Pointer
	err := nativeLenient(func() error {
		if f = C.ocraster_open(c); f == nil {
			return errors.New("cannot be opened")
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer C.ocraster_close(f)
	buf := make([]byte, 4<<20)
	for {
		n := 0
		err := nativeLenient(func() error {
			n = int(C.ocraster_piece(f, unsafe.Pointer(&buf[0]), C.longlong(len(buf))))
			if n < 0 {
				return errors.New("cannot be read")
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if err := each(buf[:n]); err != nil {
			return err
		}
	}
}

// ingest reads a file of GDAL's file systems; nil where it cannot be read.
func ingest(name string) []byte {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	var text []byte
	_ = nativeLenient(func() error {
		var n C.longlong
		if p := C.ocraster_read(c, C.longlong(vrtLimit), &n); p != nil {
			text = C.GoBytes(unsafe.Pointer(p), C.int(n))
			C.ocraster_free(unsafe.Pointer(p))
		}
		return nil
	})
	return text
}
