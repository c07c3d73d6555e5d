// Package acceptance judges the programs as their users meet them: the built
// binaries, with the real pcscd, its virtual reader, OpenSC and OpenSSL. The
// packages below it hold the tests; there are two, so that two processors have
// work.
// It needs Linux.
package acceptance
