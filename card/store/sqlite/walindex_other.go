//go:build !linux

package sqlite

func mapWALIndex(string) walIndex { return nil }

func (walIndex) unmap() error { return nil }
