// Package practice lets tests that are not about the KDF of share files run it at
// a lower cost. Nothing but tests may ask for that.
package practice

import "context"

type key struct{}

// WithIterations gives a context in which share files are made and opened with so
// many iterations. No other program can open them.
func WithIterations(ctx context.Context, iterations int) context.Context {
	return context.WithValue(ctx, key{}, iterations)
}

// Iterations are those of the context, or real if it has none.
func Iterations(ctx context.Context, real int) int {
	if n, ok := ctx.Value(key{}).(int); ok {
		return n
	}
	return real
}
