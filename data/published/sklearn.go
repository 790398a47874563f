package published

import "math"

// mersenne is MT19937 as NumPy's RandomState has it. (Matsumoto and Nishimura,
// 1998: "Mersenne Twister".)
type mersenne struct {
	state [624]uint32
	at    int
}

func newMersenne(seed uint32) *mersenne {
	m := &mersenne{at: 624}
	m.state[0] = seed
	for i := 1; i < 624; i++ {
		m.state[i] = 1812433253*(m.state[i-1]^m.state[i-1]>>30) + uint32(i)
	}
	return m
}

func (m *mersenne) next() uint32 {
	if m.at == 624 {
		for i := range m.state {
			y := m.state[i]&0x80000000 | m.state[(i+1)%624]&0x7fffffff
			m.state[i] = m.state[(i+397)%624] ^ y>>1 ^ -(y&1)&0x9908b0df
		}
		m.at = 0
	}
	y := m.state[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// permutation is RandomState(seed).permutation(n): from the last place on, each
// is exchanged with one before it or itself, drawn by rejection.
func permutation(seed uint32, n int) []int {
	m := newMersenne(seed)
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	for i := n - 1; i > 0; i-- {
		mask := uint32(i)
		for shift := 1; shift < 32; shift *= 2 {
			mask |= mask >> shift
		}
		j := m.next() & mask
		for j > uint32(i) {
			j = m.next() & mask
		}
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// trainTest is scikit-learn's train_test_split of tiles with a share of tests: the
// first ones of a permutation test, rounded up, the others train.
func trainTest(tiles []int, share float64) (train, test []int) {
	n := int(math.Ceil(share * float64(len(tiles))))
	for i, p := range permutation(splitSeed, len(tiles)) {
		if i < n {
			test = append(test, tiles[p])
		} else {
			train = append(train, tiles[p])
		}
	}
	return train, test
}
