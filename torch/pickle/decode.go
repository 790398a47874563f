package pickle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// Limits on single things, beside the Budget on all of them.
const (
	maxNumber = 1 << 10 // bytes of an int
	maxLine   = 1 << 16 // bytes of a line (protocol 0) and of a str that is a Go string
	maxGap    = 1 << 10 // numbers that a pickle may skip in its memo
)

// Options say how a Decoder treats what is not plain data.
type Options struct {
	// Find returns what a global stands for: a Class, or any other value that
	// the caller understands. A nil value with a nil error is an unknown global.
	Find func(module, name string) (any, error)
	// Persistent returns the value of a persistent id; nil: there are none.
	Persistent func(id any) (any, error)
}

// Decoder reads pickles one after the other from a stream.
type Decoder struct {
	r      *bufio.Reader
	size   int64 // bytes of the source, or -1
	at     int64 // bytes consumed
	budget *Budget
	opt    Options

	stack   []any
	marks   []int
	memo    []any
	scratch []byte
	spare   []byte
	small   [8]byte
}

type unset struct{}

// NewDecoder makes a decoder of a source of size bytes; -1 where that is not
// known.
func NewDecoder(r io.Reader, size int64, b *Budget, opt Options) *Decoder {
	return &Decoder{r: bufio.NewReaderSize(r, 1<<12), size: size, budget: b, opt: opt}
}

// Offset is the number of bytes consumed so far.
func (d *Decoder) Offset() int64 { return d.at }

// Take takes n bytes from the decoder's budget, for a Class that allocates.
func (d *Decoder) Take(n int64) error { return d.budget.Take(n) }

// Load reads one pickle. Errors say at which byte the trouble is.
func (d *Decoder) Load() (any, error) {
	d.stack, d.marks, d.memo = d.stack[:0], d.marks[:0], d.memo[:0]
	for {
		op, err := d.readByte()
		if err != nil {
			return nil, d.fail(err)
		}
		if op == '.' {
			v, err := d.pop()
			if err != nil {
				return nil, d.fail(err)
			}
			clear(d.stack[:cap(d.stack)])
			clear(d.memo)
			return v, nil
		}
		if err := d.step(op); err != nil {
			return nil, d.fail(err)
		}
	}
}

func (d *Decoder) fail(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends in the middle: truncated?")
	}
	return fmt.Errorf("pickle, byte %d: %w", d.at, err)
}

// Raw reads n bytes that follow a pickle.
func (d *Decoder) Raw(n int64) ([]byte, error) {
	b, err := d.data(uint64(n), nil)
	if err != nil {
		return nil, d.fail(err)
	}
	return b, nil
}

func (d *Decoder) readByte() (byte, error) {
	b, err := d.r.ReadByte()
	if err == nil {
		d.at++
	}
	return b, err
}

// number reads a little-endian unsigned number of n bytes, 1 to 8.
func (d *Decoder) number(n int) (uint64, error) {
	d.small = [8]byte{}
	if _, err := io.ReadFull(d.r, d.small[:n]); err != nil {
		return 0, err
	}
	d.at += int64(n)
	return binary.LittleEndian.Uint64(d.small[:]), nil
}

// short reads n bytes that are valid until the next call.
func (d *Decoder) short(n int) ([]byte, error) {
	if n > len(d.scratch) {
		size := max(256, 1<<bits.Len(uint(n-1)))
		if err := d.budget.Take(int64(size)); err != nil {
			return nil, err
		}
		d.scratch = make([]byte, size)
	}
	if _, err := io.ReadFull(d.r, d.scratch[:n]); err != nil {
		return nil, err
	}
	d.at += int64(n)
	return d.scratch[:n], nil
}

// data reads n bytes into memory of their own, into spare where that is large
// enough. A claimed length is believed only as far as the source reaches and the
// budget allows.
func (d *Decoder) data(n uint64, spare []byte) ([]byte, error) {
	if n > math.MaxInt64 || d.size >= 0 && int64(n) > d.size-d.at {
		return nil, fmt.Errorf("an item claims %d bytes, but only %d are left: truncated?", n, max(0, d.size-d.at))
	}
	if uint64(cap(spare)) >= n {
		b := spare[:n]
		_, err := io.ReadFull(d.r, b)
		d.at += int64(n)
		return b, err
	}
	if err := d.budget.Take(int64(n)); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(d.r, b)
	d.at += int64(n)
	return b, err
}

// bytes reads a bytes object of n bytes.
func (d *Decoder) bytes(n uint64, text bool) (*Bytes, error) {
	if err := d.budget.Take(40); err != nil {
		return nil, err
	}
	var spare []byte
	if n > maxLine {
		spare, d.spare = d.spare, nil
	}
	b, err := d.data(n, spare)
	if err != nil {
		return nil, err
	}
	return &Bytes{Data: b, Text: text}, nil
}

// text reads a str of n bytes.
func (d *Decoder) text(n uint64) (any, error) {
	if n > maxLine {
		return d.bytes(n, true)
	}
	b, err := d.short(int(n))
	if err != nil {
		return nil, err
	}
	if err := d.budget.Take(int64(n) + 16); err != nil {
		return nil, err
	}
	return string(b), nil
}

// Recycle gives a byte string's memory back for the next one, though the memo
// may still name it. To use it again is an error.
func (d *Decoder) Recycle(b *Bytes) {
	if len(b.Data) <= maxLine {
		return
	}
	if cap(b.Data) > cap(d.spare) {
		d.spare = b.Data[:0]
	}
	b.Data, b.gone = nil, true
}

// line reads a line of protocol 0, without its end.
func (d *Decoder) line() (string, error) {
	var b strings.Builder
	for {
		c, err := d.readByte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			break
		}
		if b.Len() >= maxLine {
			return "", fmt.Errorf("a line of more than %d bytes", maxLine)
		}
		b.WriteByte(c)
	}
	if err := d.budget.Take(8*int64(b.Len()) + 64); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\r"), nil
}

func (d *Decoder) push(v any) error {
	if len(d.stack) == cap(d.stack) {
		room := max(64, 2*cap(d.stack))
		if err := d.budget.Take(16 * int64(room)); err != nil {
			return err
		}
		grown := make([]any, len(d.stack), room)
		copy(grown, d.stack)
		d.stack = grown
	}
	d.stack = append(d.stack, v)
	return nil
}

func (d *Decoder) floor() int {
	if len(d.marks) == 0 {
		return 0
	}
	return d.marks[len(d.marks)-1]
}

func (d *Decoder) pop() (any, error) {
	if len(d.stack) <= d.floor() {
		return nil, errors.New("the stack is empty: damaged?")
	}
	v := d.stack[len(d.stack)-1]
	d.stack = d.stack[:len(d.stack)-1]
	return v, nil
}

func (d *Decoder) top() (any, error) {
	if len(d.stack) <= d.floor() {
		return nil, errors.New("the stack is empty: damaged?")
	}
	return d.stack[len(d.stack)-1], nil
}

// popMark returns what was pushed since the last mark; the slice is valid
// until the next push.
func (d *Decoder) popMark() ([]any, error) {
	if len(d.marks) == 0 {
		return nil, errors.New("a mark is missing: damaged?")
	}
	m := d.floor()
	d.marks = d.marks[:len(d.marks)-1]
	items := d.stack[m:]
	d.stack = d.stack[:m]
	return items, nil
}

func (d *Decoder) get(i uint64) error {
	if i >= uint64(len(d.memo)) || d.memo[i] == (any)(unset{}) {
		return fmt.Errorf("memo %d is used before it is set: damaged?", i)
	}
	v := d.memo[i]
	if b, ok := v.(*Bytes); ok && b.gone {
		return errors.New("two values share one large byte string, which is not supported")
	}
	return d.push(v)
}

func (d *Decoder) put(i uint64) error {
	v, err := d.top()
	if err != nil {
		return err
	}
	if i > uint64(len(d.memo))+maxGap {
		return fmt.Errorf("memo %d is set out of turn: damaged?", i)
	}
	for uint64(len(d.memo)) <= i {
		if len(d.memo) == cap(d.memo) {
			room := max(64, 2*cap(d.memo))
			if err := d.budget.Take(16 * int64(room)); err != nil {
				return err
			}
			grown := make([]any, len(d.memo), room)
			copy(grown, d.memo)
			d.memo = grown
		}
		d.memo = append(d.memo, unset{})
	}
	d.memo[i] = v
	return nil
}

func (d *Decoder) pushInt(i int64) error {
	if err := d.budget.Take(8); err != nil {
		return err
	}
	return d.push(i)
}

// long pushes a two's complement number, little-endian, of n bytes.
func (d *Decoder) long(n uint64) error {
	if n > maxNumber {
		return fmt.Errorf("an int of %d bytes; at most %d are read", n, maxNumber)
	}
	b, err := d.short(int(n))
	if err != nil {
		return err
	}
	if n <= 8 {
		var w [8]byte
		if n > 0 && b[n-1]&0x80 != 0 {
			w = [8]byte{255, 255, 255, 255, 255, 255, 255, 255}
		}
		copy(w[:], b)
		return d.pushInt(int64(binary.LittleEndian.Uint64(w[:])))
	}
	if err := d.budget.Take(4*int64(n) + 64); err != nil {
		return err
	}
	be := make([]byte, n)
	for i := range be {
		be[int(n)-1-i] = b[i]
	}
	v := new(big.Int).SetBytes(be)
	if be[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	return d.push(v)
}

// decimal pushes an int written in digits.
func (d *Decoder) decimal(s string) error {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return d.pushInt(i)
	}
	if len(s) > maxNumber {
		return fmt.Errorf("an int of %d digits", len(s))
	}
	if err := d.budget.Take(4*int64(len(s)) + 64); err != nil {
		return err
	}
	v, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return fmt.Errorf("%q is no int", s)
	}
	return d.push(v)
}
