// Package smalldisk gives tests a disk that they can fill. It needs Linux.
package smalldisk
