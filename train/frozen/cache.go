package frozen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"path/filepath"

	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/train/atomicfile"
	"opencarbon/train/tint"
)

// largest file of kept features: 768 numbers of some 300,000 tiles.
const maxKept = 1 << 30

// raw are the features of all tiles before principal components, from the file
// that was left beside the store or by encoding them through a tint, [N, D]. What
// cannot be kept (a store on a disk that is full or read-only) is made again the next
// time.
func (e *Encoder) raw(ctx context.Context, s *store.Store, d torch.Device, colors tint.Tint) ([]float32, error) {
	m := s.Meta()
	id := sha256.Sum256(append(fmt.Appendf(nil, "opencarbon frozen 1\n%s\n%v\n%s\n%v\n%d\n%d", e.sum, stages, m.ConfigHash, m.Built, s.Bytes(), s.Len()), colors.Key()...))
	path := filepath.Join(s.Dir(), fmt.Sprintf("frozen-%x.bin", id[:6]))
	if kept, err := regular.Read(path, maxKept); err == nil && len(kept) > len(id)+4 && bytes.HasPrefix(kept, id[:]) {
		body := kept[len(id) : len(kept)-4]
		if crc32.ChecksumIEEE(body) == binary.LittleEndian.Uint32(kept[len(kept)-4:]) && len(body)%(4*s.Len()) == 0 {
			out := make([]float32, len(body)/4)
			for i := range out {
				out[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
			}
			return out, nil
		}
	}
	out, err := e.encode(ctx, s, d, colors)
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, 4*len(out))
	for _, v := range out {
		body = binary.LittleEndian.AppendUint32(body, math.Float32bits(v))
	}
	text := binary.LittleEndian.AppendUint32(append(id[:], body...), crc32.ChecksumIEEE(body))
	if len(text) <= maxKept {
		_ = atomicfile.WriteBytes(path, text) // a cache: without it the next run takes longer
	}
	return out, nil
}
