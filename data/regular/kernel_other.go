//go:build !linux

package regular

func ofKernel(string) bool { return false }
