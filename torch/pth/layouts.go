package pth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"opencarbon/torch/pickle"
)

var streamMagic, _ = new(big.Int).SetString("1950a86a20f9469cfc6c", 16)

// stream reads the layout of PyTorch 0.1.10 to 1.5: pickles of a magic number,
// a version, facts about the writer, the object, and the storages' keys, then
// for each key the number of elements and the elements.
func (l *loader) stream() (any, error) {
	d := l.decoder(io.NewSectionReader(l.r, 0, l.size), l.size, l.persistent)
	magic, err := d.Load()
	if err != nil {
		return nil, err
	}
	if m, ok := magic.(*big.Int); !ok || m.Cmp(streamMagic) != 0 {
		return nil, &Error{What: "this is a Python pickle of " + pickle.TypeName(magic) + ", not a file that torch.save wrote",
			Remedy: "Name the checkpoint; datasets belong under data.published."}
	}
	version, err := d.Load()
	if err != nil {
		return nil, err
	}
	if v, _ := pickle.Int(version); v != 1001 {
		return nil, fmt.Errorf("version %s of the layout is not known", pickle.Show(version))
	}
	facts, err := d.Load()
	if err != nil {
		return nil, err
	}
	if f, ok := facts.(*Dict); ok {
		if little, ok := f.Get("little_endian"); ok && little != any(true) {
			return nil, errors.New("it was written on a big-endian machine")
		}
	}
	root, err := d.Load()
	if err != nil {
		return nil, err
	}
	v, err := d.Load()
	if err != nil {
		return nil, err
	}
	keys, ok := v.(*List)
	if !ok {
		return nil, errors.New("the list of storages is missing")
	}
	for _, k := range keys.Items {
		key, _ := k.(string)
		s := l.storages[key]
		if s == nil || s.data != nil {
			return nil, fmt.Errorf("storage %s is listed, but not used or listed twice", pickle.Show(k))
		}
		if s.data, err = elements(d, s.kind, s.numel); err != nil {
			return nil, fmt.Errorf("storage %q: %w", key, err)
		}
	}
	return root, nil
}

// elements reads a count and as many elements; want is the count, or -1.
func elements(d *pickle.Decoder, kind storageType, want int64) ([]byte, error) {
	b, err := d.Raw(8)
	if err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint64(b))
	if want >= 0 && n != want || n < 0 || n > 1<<48 {
		return nil, fmt.Errorf("it has %d elements where %d are expected", n, want)
	}
	return d.Raw(n * kind.Size)
}

// tar reads the layout before PyTorch 0.1.10: members storages, tensors and
// pickle.
func (l *loader) tar() (any, error) {
	members := map[string]*io.SectionReader{}
	head := make([]byte, 512)
	for at := int64(0); at+512 <= l.size && len(members) < 3; {
		if _, err := l.r.ReadAt(head, at); err != nil {
			return nil, err
		}
		name := string(head[:max(0, strings.IndexByte(string(head[:100])+"\x00", 0))])
		if name == "" {
			break // two blocks of zeros end the archive
		}
		text := strings.Trim(string(head[124:136]), " \x00")
		size, err := strconv.ParseInt(text, 8, 64)
		if err != nil || size < 0 || size > l.size-at-512 {
			return nil, fmt.Errorf("member %.40q of the tar claims %q bytes: truncated?", name, text)
		}
		if kind := head[156]; kind == '0' || kind == 0 {
			switch name = strings.TrimPrefix(name, "./"); name {
			case "storages", "tensors", "pickle":
				members[name] = io.NewSectionReader(l.r, at+512, size)
			}
		}
		at += 512 + (size+511)/512*512
	}
	if len(members) < 3 {
		return nil, &Error{What: "this is a tar archive, but not one of PyTorch's (members storages, tensors, pickle)",
			Remedy: "Unpack it, and name the checkpoint in it."}
	}
	storages, err := l.tarStorages(members["storages"])
	if err != nil {
		return nil, fmt.Errorf("member storages: %w", err)
	}
	tensors, err := l.tarTensors(members["tensors"], storages)
	if err != nil {
		return nil, fmt.Errorf("member tensors: %w", err)
	}
	m := members["pickle"]
	return l.decoder(m, m.Size(), func(id any) (any, error) {
		if t, ok := id.(Tuple); ok && len(t) > 0 {
			return t[0], nil
		}
		key, ok := pickle.Int(id)
		if s, isText := id.(string); isText {
			var err error
			key, err = strconv.ParseInt(s, 10, 64)
			ok = err == nil
		}
		if t := tensors[key]; ok && t != nil {
			return t, nil
		}
		if s := storages[key]; ok && s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("tensor %s is missing in the file", pickle.Show(id))
	}).Load()
}

func (l *loader) tarStorages(r *io.SectionReader) (map[int64]*storage, error) {
	d := l.decoder(r, r.Size(), nil)
	n, err := loadInt(d)
	if err != nil {
		return nil, err
	}
	out := map[int64]*storage{}
	for range n {
		args, err := loadTuple(d, 3) // key, location, class
		if err != nil {
			return nil, err
		}
		key, ok := pickle.Int(args[0])
		kind, okKind := args[2].(storageType)
		if !ok || !okKind {
			return nil, errors.New("a storage without key or class")
		}
		if err := l.budget.Take(200); err != nil {
			return nil, err
		}
		s := &storage{kind: kind}
		if s.data, err = elements(d, kind, -1); err != nil {
			return nil, err
		}
		s.numel = int64(len(s.data)) / kind.Size
		out[key] = s
	}
	v, err := d.Load()
	if err != nil {
		return nil, err
	}
	views, ok := v.(*List)
	if !ok {
		return nil, errors.New("the list of views is missing")
	}
	for _, v := range views.Items { // (key, root's key, offset, number of elements)
		t, ok := v.(Tuple)
		if !ok || len(t) != 4 {
			return nil, errors.New("a strange storage view")
		}
		var w [4]int64
		for i := range w {
			if w[i], ok = pickle.Int(t[i]); !ok {
				return nil, errors.New("a strange storage view")
			}
		}
		root := out[w[1]]
		if root == nil || root.root != nil || w[2] < 0 || w[3] < 0 || w[2] > root.numel || w[3] > root.numel-w[2] {
			return nil, errors.New("a storage view reaches beyond its storage")
		}
		if err := l.budget.Take(200); err != nil {
			return nil, err
		}
		out[w[0]] = &storage{kind: root.kind, numel: w[3], root: root, at: w[2]}
	}
	return out, nil
}

func (l *loader) tarTensors(r *io.SectionReader, storages map[int64]*storage) (map[int64]*Tensor, error) {
	d := l.decoder(r, r.Size(), nil)
	n, err := loadInt(d)
	if err != nil {
		return nil, err
	}
	out := map[int64]*Tensor{}
	for range n {
		args, err := loadTuple(d, 3) // key, storage's key, type
		if err != nil {
			return nil, err
		}
		key, ok := pickle.Int(args[0])
		from, okFrom := pickle.Int(args[1])
		s := storages[from]
		if !ok || !okFrom || s == nil {
			return nil, errors.New("a tensor without key or storage")
		}
		b, err := d.Raw(8)
		if err != nil {
			return nil, err
		}
		dims := int64(int32(binary.LittleEndian.Uint32(b)))
		if dims < 0 || dims > maxDims {
			return nil, fmt.Errorf("a tensor of %d dimensions", dims)
		}
		if b, err = d.Raw(16*dims + 8); err != nil {
			return nil, err
		}
		words := make([]int64, 2*dims+1)
		for i := range words {
			words[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
		t, err := l.newTensor(s, words[2*dims], words[:dims], words[dims:2*dims])
		if err != nil {
			return nil, err
		}
		if err := l.budget.Take(100 + 16*dims); err != nil {
			return nil, err
		}
		out[key] = t
	}
	return out, nil
}

func loadInt(d *pickle.Decoder) (int64, error) {
	v, err := d.Load()
	if err != nil {
		return 0, err
	}
	n, ok := pickle.Int(v)
	if !ok || n < 0 {
		return 0, fmt.Errorf("%s where a count is expected", pickle.TypeName(v))
	}
	return n, nil
}

func loadTuple(d *pickle.Decoder, n int) (Tuple, error) {
	v, err := d.Load()
	if err != nil {
		return nil, err
	}
	t, ok := v.(Tuple)
	if !ok || len(t) != n {
		return nil, fmt.Errorf("%s where a tuple of %d is expected", pickle.TypeName(v), n)
	}
	return t, nil
}
