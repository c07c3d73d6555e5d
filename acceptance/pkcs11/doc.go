// Package pkcs11 judges the PKCS#11 module by the programs that load it: what docs/pkcs11.md
// shows is played as it is printed, testdata/clients has more of each program, and the
// programs of module/test look for what threads, forks and kills do. No program is told
// of any peculiarity of the module, and each must end with success. It needs Linux.
package pkcs11
