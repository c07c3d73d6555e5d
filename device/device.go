// Package device finds devices by name: embedded ones, which are files of this
// user, and cards in PC/SC readers.
//
// Begin with [DefaultHome]. [Home.Create] makes an embedded device, and [Home.Open]
// connects to one, or to a card if the name begins with "pcsc:", for hsm.Open.
// [Home.OpenCard] gives an embedded device as a card, to be served with link.Keep.
//
// Nothing is asked of a device here, and no PIN is needed: that begins with package
// hsm. A new device has no PIN and no keys until it is initialised. Several
// processes may have one device open at once; what a card is, and what protects its
// file, package card says.
package device

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"conclave/apdu"
	"conclave/card"
	"conclave/card/devicelog"
	"conclave/card/store/sqlite"
	"conclave/internal/interrupt"
	"conclave/internal/keyop"
	"conclave/internal/safefile"
	"conclave/internal/sqlitefile"
	"conclave/link"
	"conclave/link/pcsc"
)

// pcscPrefix begins the name of a device in a reader.
const pcscPrefix = "pcsc:"

// Home is where embedded devices live.
type Home struct {
	dir string
	// PINCost is what deriving a key from a PIN costs on devices opened here.
	PINCost card.PINCost
}

// DefaultHome is $XDG_DATA_HOME/conclave (XDG Base Directory Specification),
// ~/.local/share/conclave if the variable is not set. A relative path, which that
// specification has ignored, is an error: to go elsewhere would hide the devices that
// have been made there.
func DefaultHome() (Home, error) {
	variable, base := "XDG_DATA_HOME", os.Getenv("XDG_DATA_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return Home{}, fmt.Errorf("where your devices are is not known: %w; set HOME to your home directory, or XDG_DATA_HOME to where devices are to be", err)
		}
		variable, base = "HOME", filepath.Join(home, ".local", "share")
	}
	if absolute, err := filepath.Abs(base); err == nil && !filepath.IsAbs(base) {
		return Home{}, fmt.Errorf("%s leads to %q, which is another place in each directory; the path from the root was expected, which is %s here", variable, base, absolute)
	}
	return NewHome(filepath.Join(base, "conclave")), nil
}

// NewHome is a home in any directory, which need not exist yet.
func NewHome(dir string) Home { return Home{dir, card.DefaultPINCost()} }

// In is a home in another directory, with devices as they are here.
func (h Home) In(dir string) Home { return Home{dir, h.PINCost} }

// Dir is the directory of the home.
func (h Home) Dir() string { return h.dir }

// Imports is the directory of what is remembered about devices that wait for
// DKEK shares.
func (h Home) Imports() string { return filepath.Join(h.dir, "imports") }

// Backups is the file in which the backups that were made on this computer are noted.
func (h Home) Backups() string { return filepath.Join(h.dir, "backups.jsonl") }

// Open connects to a device: "pcsc:" and a reader, as package pcsc names it,
// or the name of an embedded device.
func (h Home) Open(name string) (apdu.Conn, error) {
	if reader, ok := strings.CutPrefix(name, pcscPrefix); ok {
		return pcsc.Open(reader)
	}
	program := fmt.Sprintf("%s, process %d of user %d", filepath.Base(os.Args[0]), os.Getpid(), os.Getuid())
	c, err := h.OpenCard(name, program, nil)
	if err != nil {
		return nil, err
	}
	return &connection{link.Direct(c), c}, nil
}

// connection is an embedded device in this process. Close closes its store.
type connection struct {
	apdu.Conn
	embedded *Embedded
}

// Roomy implements apdu.Roomy.
func (*connection) Roomy() {}

func (c *connection) Close() error { return errors.Join(c.Conn.Close(), c.embedded.store.Close()) }

// OpenCard opens an embedded device as a card, to be served to a client, such as pcscd:
// the device's log says no more of who gives the commands than that they come from
// there. Forget is called when a login has ended; nil for nothing.
func (h Home) OpenCard(name, client string, forget func()) (*Embedded, error) {
	s, err := h.openStore(name)
	if err != nil {
		return nil, err
	}
	e := &Embedded{store: s, signals: interrupt.NewHolder()}
	e.Card, err = card.New(s, card.Config{Keys: keyop.Best(), PINCost: h.PINCost, Hold: e.signals.Hold, Forget: forget, Log: slog.Default(), Client: client})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("device %q: %w", name, err), s.Close())
	}
	return e, nil
}

func (h Home) openStore(name string) (*sqlite.Store, error) {
	path, err := h.path(name)
	if err != nil {
		return nil, err
	}
	if err := h.keepOthersOut(path); err != nil {
		return nil, fmt.Errorf("device %q: %w", name, err)
	}
	s, err := sqlite.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &missingError{name, "; make it with: conclave hsm create " + name + "; conclave hsm list shows those that exist"}
	}
	if err != nil {
		return nil, fmt.Errorf("device %q: %w", name, err)
	}
	if earlier := s.Earlier(); earlier != "" {
		slog.Warn("the device's file has a new format; a copy in the earlier one, which gives away more to who has the SO-PIN, was kept: "+
			"log in once, see that all is there, and destroy the copy", "device", name, "copy", earlier)
	}
	return s, nil
}

// Log reads the log of an embedded device, which needs no PIN.
func (h Home) Log(name string) (*devicelog.Log, error) {
	s, err := h.openStore(name)
	if err != nil {
		return nil, err
	}
	log, err := card.ReadLog(s)
	if err != nil {
		err = fmt.Errorf("the log of device %q: %w", name, err)
	}
	return log, errors.Join(err, s.Close())
}

// missingError is the error for a device that does not exist. It wraps
// fs.ErrNotExist.
type missingError struct{ name, advice string }

func (e *missingError) Error() string {
	return fmt.Sprintf("there is no device %q%s", e.name, e.advice)
}

func (e *missingError) Unwrap() error { return fs.ErrNotExist }

// Embedded is the card of an embedded device. Close closes its store.
type Embedded struct {
	*card.Card
	store   *sqlite.Store
	signals *interrupt.Holder
}

// Version differs from every earlier value once any process has changed the device. It
// compares with values of the same Embedded only.
func (e *Embedded) Version() (uint64, error) { return e.store.Version() }

// Transmit implements apdu.Card. Its error is an *interrupt.Error if the
// command had to be carried out before the process ends.
func (e *Embedded) Transmit(command []byte) ([]byte, error) {
	response, err := e.Card.Transmit(command)
	if err == nil {
		err = e.signals.Err()
	}
	return response, err
}

// Close ends the session and closes the store.
func (e *Embedded) Close() error { return errors.Join(e.Reset(), e.store.Close()) }

// Create makes a new embedded device and gives its serial number.
func (h Home) Create(name string) (serial string, err error) {
	path, err := h.path(name)
	if err != nil {
		return "", err
	}
	if err := h.keepOthersOut(path); err != nil {
		return "", fmt.Errorf("device %q: %w", name, err)
	}
	if err := safefile.MkdirAll(filepath.Dir(path)); err != nil {
		return "", err
	}
	issuer, err := h.issuer()
	if err != nil {
		return "", err
	}
	s, err := createStore(path)
	if err != nil {
		return "", fmt.Errorf("device %q: %w", name, err)
	}
	serial, err = card.Manufacture(s, issuer, time.Now())
	if errors.Is(err, card.ErrDeviceExists) {
		err = fmt.Errorf("device %q: %w; choose another name, or delete it first with: conclave hsm delete %s", name, fs.ErrExist, name)
	}
	return serial, errors.Join(err, s.Close())
}

// createStore makes the store of a new device. One that is there already may
// be what a crash has left of an earlier attempt, and empty.
func createStore(path string) (*sqlite.Store, error) {
	s, err := sqlite.Create(path)
	if errors.Is(err, fs.ErrExist) && safefile.Exists(path) {
		return sqlite.Open(path)
	}
	return s, err
}

// maxIssuer is how many bytes the device CA's certificate and key may have, in PEM.
const maxIssuer = 64 << 10

// issuer is the device CA of this installation, made when it is first needed.
func (h Home) issuer() (*card.DeviceIssuer, error) {
	path := filepath.Join(h.dir, "device-issuer.pem")
	if err := h.keepOthersOut(path); err != nil {
		return nil, err
	}
	content, err := safefile.Read(path, maxIssuer)
	if err == nil {
		return card.ParseDeviceIssuer(content)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	made, err := card.NewDeviceIssuer(time.Now())
	if err != nil {
		return nil, err
	}
	content = made.Marshal()
	if err := safefile.Create(path, content); errors.Is(err, fs.ErrExist) {
		return h.issuer() // another process made it meanwhile
	} else if err != nil {
		return nil, err
	}
	return made, nil
}

// keepOthersOut refuses a file of the home that other users could change, or have
// replaced by one of theirs, for who types a PIN. Of one that they can read it warns:
// what it holds is sealed, and it is where the keys are.
func (h Home) keepOthersOut(path string) error {
	if err := safefile.CheckWay(path); err != nil {
		return err
	}
	own := []string{h.dir, filepath.Dir(path)}
	if file, err := filepath.EvalSymlinks(path); err == nil {
		own = append(own, filepath.Dir(file), file) // with its log beside it
	}
	for _, p := range own {
		if err := safefile.CheckOwn(p); err != nil {
			return err
		}
	}
	if safefile.Exposed(path) {
		slog.Warn(fmt.Sprintf("others can read %s, which holds secrets, and no counter of tries guards a copy; type: chmod go= %s*", path, safefile.Quoted(path)))
	}
	return nil
}

// List gives the names of the embedded devices, in order.
func (h Home) List() ([]string, error) {
	entries, err := os.ReadDir(h.devices())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), suffix); ok && goodName(name) {
			names = append(names, name)
		}
	}
	return names, err
}

// Delete destroys an embedded device with all its keys. One that another
// process has open it leaves alone.
func (h Home) Delete(name string) error {
	path, err := h.path(name)
	if err != nil {
		return err
	}
	err = removeStore(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &missingError{name, "; conclave hsm list shows those that exist"}
	case errors.Is(err, sqlitefile.ErrInUse):
		return fmt.Errorf("device %q: %w; if that is conclave agent, it lets go of the device when no program has used it for about a minute", name, err)
	case err != nil:
		return fmt.Errorf("device %q: %w", name, err)
	}
	return nil
}

// removeStore removes a store, and a link that leads to it.
func removeStore(path string) error {
	file, err := filepath.EvalSymlinks(path)
	if err == nil {
		err = sqlite.Remove(file)
	}
	if err == nil && safefile.Exists(path) {
		err = os.Remove(path)
	}
	return err
}

// ErrName is the error for what no embedded device can be called.
var ErrName = errors.New("is not a name for an embedded device")

// suffix of a device's file.
const suffix = ".device"

func (h Home) devices() string { return filepath.Join(h.dir, "devices") }

func (h Home) path(name string) (string, error) {
	if strings.HasPrefix(name, pcscPrefix) {
		return "", fmt.Errorf("%q %w, but a card in a reader; conclave hsm list shows them", name, ErrName)
	}
	if !goodName(name) {
		return "", fmt.Errorf("%q %w; letters, digits, '-', '_' and '.' were expected, at most 64", name, ErrName)
	}
	return filepath.Join(h.devices(), name+suffix), nil
}

// goodName says whether a name has letters, digits, '-', '_' and '.', and begins with
// none of '-' and '.'.
func goodName(name string) bool {
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
		if !letter && (i == 0 || c != '-' && c != '.') {
			return false
		}
	}
	return 1 <= len(name) && len(name) <= 64
}
