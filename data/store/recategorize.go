package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// translation makes categories of a store's file others.
type translation struct {
	to []int32 // [categories of the file] number of the category here, -1: left out
	of *Store  // whose memory it is
}

// Recategorized is the same store with other POI categories: points of the file's
// category k are of category to[k] of names, or left out where that is negative; a
// name that none becomes has no points. The view shares the store's memory:
// closing either closes both.
func (s *Store) Recategorized(names []string, to []int32) (*Store, error) {
	if len(to) != len(s.meta.Categories) || s.translated != nil {
		return nil, fmt.Errorf("store: %d translations of %d categories", len(to), len(s.meta.Categories))
	}
	for _, k := range to {
		if int(k) >= len(names) {
			return nil, fmt.Errorf("store: category %d of %d", k, len(names))
		}
	}
	v := *s
	v.translated = &translation{slices.Clone(to), s}
	v.meta.Categories = slices.Clone(names)
	return &v, nil
}

// Identity names what can be read here: the config hash, and for a view with other
// categories what they became.
func (s *Store) Identity() string {
	if s.translated == nil {
		return s.meta.ConfigHash
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %v", s.meta.Categories, s.translated.to))
	return s.meta.ConfigHash + "+" + hex.EncodeToString(sum[:8])
}

// points translates one tile's points. Those that fall together are added up.
func (t *translation) points(p Points) Points {
	var q Points
	order := make([]int, 0, p.Len())
	for i, k := range p.Category {
		if t.to[k] >= 0 {
			order = append(order, i)
		}
	}
	key := func(i int) uint64 {
		return uint64(t.to[p.Category[i]])<<32 | uint64(p.Row[i])<<16 | uint64(p.Col[i])
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := key(a), key(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	for n, i := range order {
		if n > 0 && key(order[n-1]) == key(i) {
			q.Count[q.Len()-1] += p.Count[i]
			continue
		}
		q.Category = append(q.Category, uint16(t.to[p.Category[i]]))
		q.Row, q.Col, q.Count = append(q.Row, p.Row[i]), append(q.Col, p.Col[i]), append(q.Count, p.Count[i])
	}
	return q
}
