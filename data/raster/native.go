//go:build !nogdal

// Package raster is the only room that touches GDAL: it opens and writes
// rasters and vector layers, and carries coordinates from one CRS to another.
// Names are GDAL's own (geotransform, nodata, window, layer).
//
// What leaves this room are Go slices and Go values; no GDAL handle may. What a
// raster's numbers mean (images, emissions) is not this room's business.
//
// Rules that hold throughout: axis order is always the traditional GIS one
// (x = east or longitude, y = north or latitude); GDAL prints nothing itself,
// its messages come back as errors; a Dataset, a Layer, a Transform or a writer
// belongs to one goroutine at a time, while a CRS may be shared freely.
package raster

/*
#cgo pkg-config: gdal
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"errors"
	"runtime"
	"strconv"
	"unsafe"

	"github.com/lukeroth/gdal"
)

func init() {
	C.ocraster_install_handler()
}

// Version returns the version of the GDAL library in use, e.g. "3.6.2".
func Version() string { return C.GoString(C.ocraster_version()) }

// complaint is GDAL's own message; it keeps the error that the caller had.
type complaint struct {
	msg   string
	cause error
}

func (c complaint) Error() string { return c.msg }
func (c complaint) Unwrap() error { return c.cause }

// native runs f, which makes GDAL calls, and returns the first failure GDAL
// reported meanwhile, or f's own error. GDAL's message is kept per thread, and a
// goroutine may change threads between two calls, hence the lock.
func native(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.ocraster_error_reset()
	err := f()
	if msg := C.GoString(C.ocraster_error_message()); msg != "" {
		return complaint{msg, err}
	}
	if msg := C.GoString(C.ocraster_warning_message()); msg != "" {
		if err != nil {
			return complaint{msg, err}
		}
		warned(msg)
	}
	return err
}

// projJSON writes a CRS given as WKT as PROJJSON.
func projJSON(wkt string) (string, error) {
	c := C.CString(wkt)
	defer C.free(unsafe.Pointer(c))
	out := C.ocraster_projjson(c)
	if out == nil {
		return "", errors.New("the CRS has no PROJJSON")
	}
	defer C.ocraster_free(unsafe.Pointer(out))
	return C.GoString(out), nil
}

// warnLikeGDAL makes GDAL say a warning, for tests.
func warnLikeGDAL(msg string) {
	c := C.CString(msg)
	defer C.free(unsafe.Pointer(c))
	C.ocraster_warn(c)
}

// nativeLenient is native for calls whose failure f decides alone:
// it ignores what GDAL reported when f is content.
func nativeLenient(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.ocraster_error_reset()
	err := f()
	if err == nil {
		return nil
	}
	if msg := C.GoString(C.ocraster_error_message()); msg != "" {
		return complaint{msg, err}
	}
	return err
}

// Valid reports whether g is a valid geometry in the sense of the OGC simple
// features: no ring crosses itself or another.
func (g Geometry) Valid() bool {
	b := g.wkb()
	if b == nil {
		return false
	}
	ok := false
	_ = nativeLenient(func() error {
		ok = C.ocraster_is_valid((*C.uchar)(unsafe.Pointer(&b[0])), C.int(len(b))) == 1
		return nil
	})
	return ok
}

// Repair returns a valid geometry that covers the same ground as g (GEOS'
// MakeValid): a bow-tie becomes two triangles.
func (g Geometry) Repair() (Geometry, error) {
	b := g.wkb()
	if b == nil {
		return Geometry{}, errors.New("an empty geometry cannot be repaired")
	}
	var fixed []byte
	err := nativeLenient(func() error {
		var out *C.uchar
		var n C.int
		if C.ocraster_make_valid((*C.uchar)(unsafe.Pointer(&b[0])), C.int(len(b)), &out, &n) == 0 {
			return errors.New("the geometry cannot be repaired")
		}
		fixed = C.GoBytes(unsafe.Pointer(out), n)
		C.ocraster_free(unsafe.Pointer(out))
		return nil
	})
	if err != nil {
		return Geometry{}, err
	}
	return parseWKB(fixed)
}

// description is a band's name; the binding has no way to ask for it.
func description(b gdal.RasterBand) string {
	return C.GoString(C.ocraster_description(*(*unsafe.Pointer)(unsafe.Pointer(&b))))
}

// setDescription names a band. The binding has no call for it and keeps its
// handles to itself; a RasterBand is a struct of nothing but the handle.
func setDescription(b gdal.RasterBand, text string) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	C.ocraster_set_description(*(*unsafe.Pointer)(unsafe.Pointer(&b)), c)
}

// dated runs f with a date that GeoPackages get in place of the present one.
func dated(date string, f func() error) error {
	c := C.CString(date)
	defer C.free(unsafe.Pointer(c))
	C.ocraster_current_date(c)
	defer C.ocraster_current_date(nil)
	return f()
}

// LimitCache keeps GDAL's cache of blocks to so many megabytes, unless the user has
// said how much it may be (GDAL_CACHEMAX); GDAL's own limit is a share of the
// machine's memory. It holds if nothing has been read before.
func LimitCache(megabytes int) {
	_ = native(func() error {
		if gdal.CPLGetConfigOption("GDAL_CACHEMAX", "") == "" {
			gdal.CPLSetConfigOption("GDAL_CACHEMAX", strconv.Itoa(megabytes))
		}
		return nil
	})
}

// Without is nil: the program has GDAL. With the build tag nogdal it is the error of
// all that needs it, so that callers can leave an output out before they begin it.
func Without() error { return nil }
