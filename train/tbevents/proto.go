package tbevents

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// The few protocol buffer messages that an event file needs, encoded by hand.
// Field numbers are those of tensorflow/core/util/event.proto,
// framework/summary.proto and framework/tensor.proto.

// message is the bytes of a message in the making. Its methods add a field.
type message []byte

const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

func (m message) key(field, wire int) message {
	return binary.AppendUvarint(m, uint64(field)<<3|uint64(wire))
}

func (m message) varint(field int, v int64) message {
	return binary.AppendUvarint(m.key(field, wireVarint), uint64(v))
}

func (m message) double(field int, v float64) message {
	return binary.LittleEndian.AppendUint64(m.key(field, wire64), math.Float64bits(v))
}

func (m message) float(field int, v float32) message {
	return binary.LittleEndian.AppendUint32(m.key(field, wire32), math.Float32bits(v))
}

func (m message) bytes(field int, v []byte) message {
	return append(binary.AppendUvarint(m.key(field, wireBytes), uint64(len(v))), v...)
}

func (m message) text(field int, v string) message { return m.bytes(field, []byte(v)) }

// event is Event: wall_time = 1, step = 2.
func event(wall float64, step int64) message {
	return message(nil).double(1, wall).varint(2, step)
}

// summary puts one Summary.Value into Event.summary = 5 (Summary.value = 1).
func (m message) summary(value message) message {
	return m.bytes(5, message(nil).bytes(1, value))
}

// scalar is Summary.Value with tag = 1, simple_value = 2.
func scalar(tag string, v float64) message {
	return message(nil).text(1, tag).float(2, float32(v))
}

// image is Summary.Value with tag = 1, image = 4 {height = 1, width = 2,
// colorspace = 3 (4: RGBA), encoded_image_string = 4}.
func image(tag string, width, height int, png []byte) message {
	img := message(nil).varint(1, int64(height)).varint(2, int64(width)).varint(3, 4).bytes(4, png)
	return message(nil).text(1, tag).bytes(4, img)
}

// textValue is Summary.Value with a string tensor (tensor = 8 {dtype = 1: 7 is
// DT_STRING, tensor_shape = 2 {dim = 2 {size = 1}}, string_val = 8}) that its
// metadata = 9 gives to the text plugin (plugin_data = 1 {plugin_name = 1},
// data_class = 4: 2 is a tensor).
func textValue(tag, markdown string) message {
	shape := message(nil).bytes(2, message(nil).varint(1, 1))
	tensor := message(nil).varint(1, 7).bytes(2, shape).text(8, markdown)
	meta := message(nil).bytes(1, message(nil).text(1, "text")).varint(4, 2)
	return message(nil).text(1, tag).bytes(8, tensor).bytes(9, meta)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC is the checksum of TensorFlow's record format
// (tensorflow/core/lib/hash/crc32c.h, Mask): CRC-32C rotated and moved, so that
// a checksum of data that holds checksums stays sound.
func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// record frames data as a TFRecord: length, its checksum, data, its checksum.
func record(data []byte) []byte {
	out := make([]byte, 0, len(data)+16)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(data)))
	out = binary.LittleEndian.AppendUint32(out, maskedCRC(out))
	out = append(out, data...)
	return binary.LittleEndian.AppendUint32(out, maskedCRC(data))
}
