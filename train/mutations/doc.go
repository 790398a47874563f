// Package mutations holds a test that damages what runs leave behind: bits are
// flipped, files cut short, blocks zeroed, bytes appended, files exchanged; and
// every command that reads them must refuse what is damaged or give the numbers
// that it gave before, without a panic, in bounded time and memory.
//
// go test runs some 60 mutations; make mutations runs 2,400 and counts them.
package mutations
