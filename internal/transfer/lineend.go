package transfer

import (
	"bytes"
	"strings"
)

// fromCRLF undoes what writing in text mode does, and FTP without "binary".
func fromCRLF(content []byte) ([]byte, error) {
	if !bytes.Contains(content, []byte("\r\n")) {
		return nil, errOther
	}
	return bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")), nil
}

// maxPairs is how many 0D 0A may be in a content where some of them are not from
// its transfer. A wrapped key of RSA-4096 has six, in the mean.
const maxPairs = 16

// fromMixedCRLF undoes what git's autocrlf does, which leaves a 0D 0A that was there
// before: one of those that are there now, or two.
func fromMixedCRLF(content []byte) (before [][]byte) {
	parts := bytes.Split(content, []byte("\r\n"))
	pairs := len(parts) - 1
	if pairs > maxPairs {
		return nil
	}
	for first := range pairs {
		for second := first; second < pairs; second++ {
			before = append(before, join(parts, first, second))
		}
	}
	return before
}

// join puts a line end between parts: 0D 0A after two of them, and 0A after the rest.
func join(parts [][]byte, first, second int) (b []byte) {
	for i, part := range parts {
		b = append(b, part...)
		switch {
		case i == len(parts)-1:
		case i == first || i == second:
			b = append(b, "\r\n"...)
		default:
			b = append(b, '\n')
		}
	}
	return b
}

// whiteSpace is what editors and the clipboard add.
const whiteSpace = " \t\r\n"

func withoutBegin(content []byte) ([]byte, error) {
	if rest := bytes.TrimLeft(content, whiteSpace); len(rest) < len(content) {
		return rest, nil
	}
	return nil, errOther
}

// withoutEnd takes off what programs add: line ends and spaces, and the bytes that
// fill a block of XMODEM (1A) or of a disk (00).
func withoutEnd(content []byte) (before [][]byte) {
	const most = 4
	for n := 1; n <= min(most, len(content)) && strings.IndexByte(whiteSpace, content[len(content)-n]) >= 0; n++ {
		before = append(before, content[:len(content)-n])
	}
	for _, filler := range []string{"\x1A", "\x00"} {
		rest := bytes.TrimRight(content, filler)
		for n := len(rest); n < min(len(rest)+3, len(content)); n++ { // the content may end so itself
			before = append(before, content[:n])
		}
	}
	return before
}
