package pickle

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// step does one opcode. The names are those of Lib/pickletools.py.
func (d *Decoder) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := d.readByte()
		if err == nil && v > 5 {
			err = fmt.Errorf("pickle protocol %d is not known (0 to 5 are)", v)
		}
		return err
	case 0x95: // FRAME: a hint for buffered readers
		_, err := d.number(8)
		return err
	case '(': // MARK
		if len(d.marks) == cap(d.marks) {
			room := max(16, 2*cap(d.marks))
			if err := d.budget.Take(8 * int64(room)); err != nil {
				return err
			}
			grown := make([]int, len(d.marks), room)
			copy(grown, d.marks)
			d.marks = grown
		}
		d.marks = append(d.marks, len(d.stack))
		return nil
	case '0': // POP
		if len(d.marks) > 0 && d.floor() == len(d.stack) {
			d.marks = d.marks[:len(d.marks)-1]
			return nil
		}
		_, err := d.pop()
		return err
	case '1': // POP_MARK
		_, err := d.popMark()
		return err
	case '2': // DUP
		v, err := d.top()
		if err != nil {
			return err
		}
		return d.push(v)
	case 'N': // NONE
		return d.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return d.push(op == 0x88)
	case 'h', 'j', 'q', 'r', 'g', 'p', 0x94:
		return d.memoOp(op)
	case 'K', 'M', 'J', 0x8a, 0x8b, 'I', 'L', 'G', 'F':
		return d.numberOp(op)
	case 'X', 0x8c, 0x8d, 'T', 'U', 'S', 'V', 'B', 'C', 0x8e, 0x96:
		return d.stringOp(op)
	case ')', 't', 0x85, 0x86, 0x87, ']', 'l', 'a', 'e', '}', 'd', 's', 'u', 0x8f, 0x90, 0x91:
		return d.containerOp(op)
	case 'c', 0x93, 'R', 0x81, 0x92, 'b', 'P', 'Q':
		return d.objectOp(op)
	case 'i', 'o', 0x82, 0x83, 0x84, 0x97, 0x98:
		return fmt.Errorf("opcode 0x%02x (old-style instance, extension or out-of-band buffer) is not supported", op)
	}
	return fmt.Errorf("0x%02x is no pickle opcode: damaged?", op)
}

// widths are the bytes of the number that follows an opcode: a value, or the
// length of what comes.
var widths = [256]int{'K': 1, 'M': 2, 'J': 4, 0x8a: 1, 0x8b: 4, 'G': 8,
	'X': 4, 0x8c: 1, 0x8d: 8, 'T': 4, 'U': 1, 'B': 4, 'C': 1, 0x8e: 8, 0x96: 8}

func (d *Decoder) memoOp(op byte) error {
	var i uint64
	var err error
	switch op {
	case 'h', 'q':
		i, err = d.number(1)
	case 'j', 'r':
		i, err = d.number(4)
	case 'g', 'p':
		var s string
		if s, err = d.line(); err == nil {
			i, err = strconv.ParseUint(s, 10, 32)
		}
	case 0x94: // MEMOIZE
		i = uint64(len(d.memo))
	}
	if err != nil {
		return err
	}
	if op == 'h' || op == 'j' || op == 'g' {
		return d.get(i)
	}
	return d.put(i)
}

func (d *Decoder) numberOp(op byte) error {
	if width := widths[op]; width > 0 {
		v, err := d.number(width)
		switch {
		case err != nil:
			return err
		case op == 'J':
			return d.pushInt(int64(int32(v)))
		case op == 0x8a || op == 0x8b:
			return d.long(v)
		case op == 'G':
			return d.pushFloat(math.Float64frombits(bits.ReverseBytes64(v)))
		}
		return d.pushInt(int64(v))
	}
	s, err := d.line()
	if err != nil {
		return err
	}
	switch {
	case op == 'I' && (s == "00" || s == "01"):
		return d.push(s == "01")
	case op == 'F':
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("%q is no float", s)
		}
		return d.pushFloat(f)
	}
	return d.decimal(strings.TrimSuffix(s, "L"))
}

func (d *Decoder) pushFloat(f float64) error {
	if err := d.budget.Take(8); err != nil {
		return err
	}
	return d.push(f)
}

func (d *Decoder) stringOp(op byte) error {
	var v any
	var err error
	switch op {
	case 'S', 'V': // lines of protocol 0
		var s string
		if s, err = d.line(); err != nil {
			return err
		}
		if v, err = unquote(s, op == 'S'); err != nil {
			return err
		}
	default:
		var n uint64
		if n, err = d.number(widths[op]); err != nil {
			return err
		}
		if op == 'B' || op == 'C' || op == 0x8e || op == 0x96 {
			v, err = d.bytes(n, false)
		} else {
			v, err = d.text(n)
		}
	}
	if err != nil {
		return err
	}
	return d.push(v)
}

// unquote decodes the strings of protocol 0: Python literals, or text with
// \u escapes.
func unquote(s string, literal bool) (string, error) {
	if literal {
		if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '\'' && s[0] != '"' {
			return "", fmt.Errorf("%.40q is no quoted string", s)
		}
		s = s[1 : len(s)-1]
	}
	var b strings.Builder
	for len(s) > 0 {
		if literal && len(s) >= 2 && s[0] == '\\' && (s[1] == '\'' || s[1] == '"') {
			b.WriteByte(s[1])
			s = s[2:]
			continue
		}
		if s[0] != '\\' || !literal && (len(s) < 2 || s[1] != 'u' && s[1] != 'U') {
			if literal {
				b.WriteByte(s[0])
			} else {
				b.WriteRune(rune(s[0])) // a byte is a code point there
			}
			s = s[1:]
			continue
		}
		r, multibyte, tail, err := strconv.UnquoteChar(s, 0)
		if err != nil {
			return "", fmt.Errorf("%.40q has a bad escape", s)
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		s = tail
	}
	return b.String(), nil
}

func (d *Decoder) containerOp(op byte) error {
	switch op {
	case ')':
		return d.push(Tuple(nil))
	case 0x85, 0x86, 0x87:
		n := int(op - 0x84)
		if len(d.stack)-d.floor() < n {
			return errors.New("the stack is empty: damaged?")
		}
		items := d.stack[len(d.stack)-n:]
		d.stack = d.stack[:len(d.stack)-n]
		return d.pushTuple(items)
	case ']', 0x8f:
		if err := d.budget.Take(24); err != nil {
			return err
		}
		return d.push(&List{})
	case '}':
		if err := d.budget.Take(48); err != nil {
			return err
		}
		return d.push(&Dict{})
	case 'a', 's': // APPEND, SETITEM
		n := 1
		if op == 's' {
			n = 2
		}
		if len(d.stack)-d.floor() < n+1 {
			return errors.New("the stack is empty: damaged?")
		}
		items := d.stack[len(d.stack)-n:]
		d.stack = d.stack[:len(d.stack)-n]
		if op == 's' {
			return d.setItems(items)
		}
		return d.appendItems(items)
	}
	items, err := d.popMark()
	if err != nil {
		return err
	}
	switch op {
	case 't':
		return d.pushTuple(items)
	case 'e', 0x90:
		return d.appendItems(items)
	case 'u':
		return d.setItems(items)
	}
	if err := d.budget.Take(48 + 16*int64(len(items))); err != nil {
		return err
	}
	if op == 'd' {
		dict := &Dict{}
		if err := d.fill(dict, items); err != nil {
			return err
		}
		return d.push(dict)
	}
	return d.push(&List{Items: append([]any(nil), items...)}) // 'l', FROZENSET
}

func (d *Decoder) pushTuple(items []any) error {
	if err := d.budget.Take(24 + 16*int64(len(items))); err != nil {
		return err
	}
	return d.push(append(make(Tuple, 0, len(items)), items...))
}

func (d *Decoder) appendItems(items []any) error {
	v, err := d.top()
	if err != nil {
		return err
	}
	list, ok := v.(*List)
	if !ok {
		return fmt.Errorf("items are appended to %s: damaged?", TypeName(v))
	}
	if need := len(list.Items) + len(items); need > cap(list.Items) {
		room := max(need, 2*cap(list.Items))
		if err := d.budget.Take(16 * int64(room)); err != nil {
			return err
		}
		grown := make([]any, len(list.Items), room)
		copy(grown, list.Items)
		list.Items = grown
	}
	list.Items = append(list.Items, items...)
	return nil
}

func (d *Decoder) setItems(items []any) error {
	v, err := d.top()
	if err != nil {
		return err
	}
	dict, ok := v.(*Dict)
	if !ok {
		return fmt.Errorf("items are set in %s: damaged?", TypeName(v))
	}
	return d.fill(dict, items)
}

func (d *Decoder) fill(dict *Dict, items []any) error {
	if len(items)%2 != 0 {
		return errors.New("a key has no value: damaged?")
	}
	if need := len(dict.Entries) + len(items)/2; need > cap(dict.Entries) {
		room := max(need, 2*cap(dict.Entries))
		if err := d.budget.Take(32 * int64(room)); err != nil {
			return err
		}
		grown := make([]Entry, len(dict.Entries), room)
		copy(grown, dict.Entries)
		dict.Entries = grown
	}
	for i := 0; i < len(items); i += 2 {
		dict.Entries = append(dict.Entries, Entry{items[i], items[i+1]})
	}
	return nil
}

func (d *Decoder) objectOp(op byte) error {
	switch op {
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		module, name, err := d.globalName(op)
		if err != nil {
			return err
		}
		v, err := d.find(module, name)
		if err != nil {
			return err
		}
		return d.push(v)
	case 'P', 'Q': // PERSID, BINPERSID
		var id any
		var err error
		if op == 'P' {
			id, err = d.line()
		} else {
			id, err = d.pop()
		}
		if err != nil {
			return err
		}
		if d.opt.Persistent == nil {
			return errors.New("it refers to objects outside of the pickle")
		}
		v, err := d.opt.Persistent(id)
		if err != nil {
			return err
		}
		return d.push(v)
	}
	arg, err := d.pop()
	if err != nil {
		return err
	}
	if op == 'b' { // BUILD
		return d.build(arg)
	}
	if op == 0x92 { // NEWOBJ_EX: class, args, keywords
		if kw, ok := arg.(*Dict); !ok || len(kw.Entries) > 0 {
			return errors.New("an object is made with keyword arguments, which is not supported")
		}
		if arg, err = d.pop(); err != nil {
			return err
		}
	}
	callee, err := d.pop()
	if err != nil {
		return err
	}
	class, ok := callee.(Class)
	args, okArgs := arg.(Tuple)
	if !ok || !okArgs {
		return fmt.Errorf("%s is called with %s: not supported", TypeName(callee), TypeName(arg))
	}
	if err := d.budget.Take(64); err != nil {
		return err
	}
	v, err := class.Call(d, args)
	if err != nil {
		return err
	}
	return d.push(v)
}

func (d *Decoder) globalName(op byte) (module, name string, err error) {
	if op == 'c' {
		if module, err = d.line(); err == nil {
			name, err = d.line()
		}
		return module, name, err
	}
	n, err := d.pop()
	if err != nil {
		return "", "", err
	}
	m, err := d.pop()
	if err != nil {
		return "", "", err
	}
	module, okM := m.(string)
	name, okN := n.(string)
	if !okM || !okN {
		return "", "", errors.New("a global's name is no text: damaged?")
	}
	return module, name, nil
}

func (d *Decoder) find(module, name string) (any, error) {
	if v := common(module, name); v != nil {
		return v, nil
	}
	if d.opt.Find != nil {
		v, err := d.opt.Find(module, name)
		if v != nil || err != nil {
			return v, err
		}
	}
	return nil, fmt.Errorf("it names %.200q, which is not among the names that are read; nothing in a file is executed", module+"."+name)
}

func (d *Decoder) build(state any) error {
	v, err := d.top()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *Dict:
		attrs, ok := state.(*Dict)
		if !ok {
			return fmt.Errorf("a dict is given %s as state: not supported", TypeName(state))
		}
		v.Attrs = attrs
		return nil
	case Builder:
		return v.Build(d, state)
	}
	return fmt.Errorf("%s is given a state: not supported", TypeName(v))
}
