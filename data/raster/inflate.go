//go:build !nogdal

package raster

/*
#include "native.h"
*/
import "C"

import (
	"errors"
	"unsafe"
)

var errInflate = errors.New("packed data are damaged")

// Inflate unpacks src, which is in zlib's format, and fills dst with it: what is
// shorter or longer is an error. GDAL's libdeflate takes a third of the time of
// Go's own. It may be called by several goroutines at a time.
func Inflate(dst, src []byte) error {
	if len(src) == 0 || len(dst) == 0 {
		return errInflate
	}
	n := C.ocraster_inflate(unsafe.Pointer(&src[0]), C.longlong(len(src)), unsafe.Pointer(&dst[0]), C.longlong(len(dst)))
	if int(n) != len(dst) {
		return errInflate
	}
	return nil
}
