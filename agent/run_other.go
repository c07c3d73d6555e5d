//go:build !linux

package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
)

var errNotHere = fmt.Errorf("the agent is for Linux: %w here", errors.ErrUnsupported)

// Run fails: who connects is not known here.
func Run(context.Context, Options) error { return errNotHere }

func scarce(error) bool { return false }

func peer(*net.UnixConn) (int, error) { return 0, errNotHere }
