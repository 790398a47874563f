//go:build !nogdal

package raster

/*
#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"github.com/lukeroth/gdal"
)

// FileList returns the files that GDAL says it reads for name (a raster, a
// vector file or one of GDAL's own names, such as NETCDF:"a.nc":flux): the file,
// the sources of a VRT, sidecars. Names are GDAL's and may begin with /vsi. What
// GDAL cannot open, or keeps to itself, has an empty list: whoever reads the file
// later gets the error with its reason.
func FileList(name string) []string {
	if CheckVRT(name) != nil {
		return nil
	}
	var list []string
	_ = nativeLenient(func() error {
		ds, err := gdal.OpenEx(name, gdal.OFReadOnly|gdal.OFRaster|gdal.OFVector, nil, nil, nil)
		if ds.IsNull() {
			return err
		}
		defer ds.Close()
		// The binding's own FileList walks off a list that is NULL, hence ours; a
		// Dataset is a struct of nothing but the handle.
		files := C.ocraster_file_list(*(*unsafe.Pointer)(unsafe.Pointer(&ds)))
		if files == nil {
			return nil
		}
		defer C.ocraster_free_list(files)
		for i := 0; ; i++ {
			f := *(**C.char)(unsafe.Add(unsafe.Pointer(files), uintptr(i)*unsafe.Sizeof(*files)))
			if f == nil {
				return nil
			}
			list = append(list, C.GoString(f))
		}
	})
	return list
}

// Stat returns the size in bytes and the time of change of anything GDAL's file
// systems know, remote objects (/vsicurl/, /vsis3/) among them; ok is false where
// it is not there or cannot be reached. A server that tells no time gives 1970.
func Stat(name string) (size int64, changed time.Time, ok bool) {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	var bytes, seconds C.longlong
	_ = nativeLenient(func() error {
		ok = C.ocraster_stat(c, &bytes, &seconds) == 1
		return nil
	})
	return int64(bytes), time.Unix(int64(seconds), 0).UTC(), ok
}
