// Package pcscdtest gives tests a pcscd of their own, with vpcd's two virtual
// readers: a test binary runs itself again in a private network and mount
// namespace, so that tests neither meet the machine's pcscd nor one another.
//
//	func TestMain(m *testing.M) { os.Exit(pcscdtest.Wrap(m).Run()) }
//
//	func TestReader(t *testing.T) {
//		pcscdtest.Start(t)
//		// serve a card at VPCD, and open the reader
//	}
//
// It needs Linux, root, and Debian's packages pcscd and vsmartcard-vpcd. If
// something is missing Start skips the test, and fails it if the environment
// variable CI is set.
package pcscdtest
