// Package packages judges what people install: the packages that make makes, in the
// root of a fresh Debian, by Debian's and Fedora's own tools. It needs Linux.
package packages
