package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// PoolMemory says whether large blocks of CPU tensors are kept for the next
// tensor of about their size, in huge pages (the default), or given back to the
// system at once. It returns what was before. Blocks that exist are not touched.
func PoolMemory(on bool) (before bool) {
	var b C.int64_t
	check("pool_memory", C.ocg_pool_memory(flag(on), &b))
	return b != 0
}
