//go:build !linux

package agent

import (
	"context"
	"errors"
	"fmt"
)

var errNotHere = fmt.Errorf("the agent is for Linux: %w here", errors.ErrUnsupported)

// Run fails: who connects is not known here.
func Run(context.Context, Options) error { return errNotHere }

// Start fails.
func Start(context.Context, Options, ...string) error { return errNotHere }

// Detach fails.
func Detach(string, func()) error { return errNotHere }
