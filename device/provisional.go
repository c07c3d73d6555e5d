package device

import "path/filepath"

// Provisional is the file that a process locks which makes keys for a while: as long as
// the lock is held, they are in use. Without a name it is the directory of these files.
func (h Home) Provisional(name string) string { return filepath.Join(h.dir, "provisional", name) }
