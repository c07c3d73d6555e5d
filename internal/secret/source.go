package secret

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"conclave/internal/safefile"
	"conclave/internal/transfer"
)

// maxFile is how many bytes the file of a secret may have.
const maxFile = 64 << 10

// unset is the error for a variable that is not there, as for a file that is not.
type unset string

// Error implements error.
func (name unset) Error() string {
	return fmt.Sprintf("the environment variable %s is not set", string(name))
}

// Is lets errors.Is find fs.ErrNotExist.
func (unset) Is(target error) bool { return target == fs.ErrNotExist }

// FromArgument reads a secret that a command-line argument stands for:
// env:NAME is the variable NAME, file:PATH the first line of the file, which may be
// a named pipe, or standard input: file:-. Any other argument is the secret itself,
// which everyone who may list processes can read: exposed says so, and the command
// warns of it.
func FromArgument(argument string) (value Bytes, exposed bool, err error) {
	if name, ok := strings.CutPrefix(argument, "env:"); ok {
		text, set := os.LookupEnv(name)
		if !set {
			return nil, false, unset(name)
		}
		return Bytes(text), false, nil
	}
	if path, ok := strings.CutPrefix(argument, "file:"); ok {
		if path == "-" {
			path = safefile.StandardInput
		}
		content, err := safefile.ReadPipe(path, maxFile)
		if err != nil {
			return nil, false, err
		}
		defer clear(content)
		text, err := transfer.Text(content) // of a PIN, a mark would cost a try
		if err != nil {
			return nil, false, err
		}
		line, _, _ := bytes.Cut(text, []byte("\n"))
		return Bytes(bytes.TrimSuffix(line, []byte("\r"))), false, nil
	}
	return Bytes(argument), true, nil
}
