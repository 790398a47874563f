package pth

import (
	"bytes"
	"unicode/utf8"
)

// sniff tells a file's layout from its first bytes (up to 512), or says what
// the file is instead of a checkpoint.
func sniff(head []byte) (string, error) {
	const again = "Download it again, from the address that gives the file itself."
	starts := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	no := func(what, remedy string) (string, error) { return "", &Error{What: what, Remedy: remedy} }
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(head) == 0:
		return no("the file is empty", again)
	case starts("PK\x03\x04"):
		return "zip", nil
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return "tar", nil
	case head[0] == 0x80:
		return "stream", nil
	case starts("version https://git-lfs"):
		return no("this is a Git LFS pointer, not the checkpoint itself", "Run git lfs pull in the repository it comes from.")
	case len(text) > 0 && text[0] == '<':
		return no("this is an HTML or XML page, not a checkpoint", again)
	case starts("\x1f\x8b"):
		return no("this file is compressed with gzip", "Unpack it first (gunzip).")
	case starts("\x89HDF"):
		return no("this is an HDF5 file (Keras?), not a PyTorch checkpoint", "Save the model from PyTorch with torch.save.")
	case starts("\x93NUMPY"):
		return no("this is a NumPy array file, not a PyTorch checkpoint", "Name the .pth file; datasets belong under data.published.")
	case len(head) > 9 && head[8] == '{' && bytes.Equal(head[3:8], make([]byte, 5)):
		return no("this is a safetensors file, not a .pth file", "Give it the ending .safetensors, or name the .pth file.")
	case utf8.Valid(head[:max(0, len(head)-3)]) && bytes.IndexByte(head, 0) < 0:
		return no("this is a text file, not a PyTorch checkpoint", again)
	}
	return no("this is no PyTorch checkpoint: neither a zip, nor a tar, nor a pickle stream", again)
}
