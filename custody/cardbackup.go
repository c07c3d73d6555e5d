package custody

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/wire"
)

// CardBackup brings a folder up to date with a device. What is there and unchanged is
// left alone, so that a run that was cut off is simply given again. No file is
// overwritten but the manifest: a key that has changed gets a file of its own, and the
// old one stays, listed as what the device had.
type CardBackup struct {
	Manifest *Manifest
	// PrivateData also saves data objects that the device shows after a login only.
	// They then lie in the folder in the clear, for the DKEK is for keys alone.
	PrivateData bool
	// Tell is told of each thing that was saved, has changed or cannot be saved.
	Tell func(text string)

	dir    string
	unlock func()
	now    time.Time
}

// lockFile keeps a second run out of a folder of backups.
const lockFile = ".lock"

// OpenCardBackup makes the folder, where there is none, and keeps other processes out
// of it until Close. It refuses the folder of another device.
func OpenCardBackup(dir, serial string) (*CardBackup, error) {
	if err := safefile.MkdirAll(dir); err != nil {
		return nil, err
	}
	unlock, err := safefile.Lock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	b := &CardBackup{dir: dir, unlock: unlock, now: time.Now().UTC().Truncate(time.Second)}
	b.Manifest, err = ReadManifest(dir)
	if errors.Is(err, fs.ErrNotExist) {
		b.Manifest, err = &Manifest{Format: manifestFormat, Serial: serial, Keys: []SavedKey{}, Objects: []SavedObject{}}, nil
	}
	if err == nil && b.Manifest.Serial != serial {
		err = fmt.Errorf("%s holds the backup of device %s, and this is device %s; name another folder", dir, b.Manifest.Serial, serial)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return b, nil
}

// Close lets other processes in.
func (b *CardBackup) Close() { b.unlock() }

// Run saves keys and objects. The user must be logged in. What could not be saved is
// in the manifest afterwards; an error ends the run, and the next one goes on.
func (b *CardBackup) Run(h *hsm.HSM) error {
	keys, err := h.Keys()
	if err != nil {
		return err
	}
	files, err := h.Files()
	if err != nil {
		return err
	}
	b.Manifest.NotBackedUp, b.Manifest.Complete = []NotBackedUp{}, false
	for _, k := range keys {
		if err := b.saveKey(h, k); err != nil {
			return err
		}
	}
	for _, fid := range objects(files) {
		if err := b.saveObject(h, fid); err != nil {
			return err
		}
	}
	b.retireKeys(keys)
	b.retireObjects(files)
	b.Manifest.Complete = true
	return b.write()
}

// write puts the manifest in place of the last one.
func (b *CardBackup) write() error {
	b.Manifest.Date = b.now
	content, err := b.Manifest.bytes()
	if err != nil {
		return err
	}
	return safefile.Replace(filepath.Join(b.dir, ManifestFile), content)
}

// saveKey wraps a key, unless the folder has it as it is.
func (b *CardBackup) saveKey(h *hsm.HSM, k hsm.Key) error {
	there, err := b.hasKey(h, k)
	if there || err != nil {
		return err
	}
	entry := savedKey(k)
	f, err := wrapWhole(h, k)
	if err == nil {
		entry.Domain, entry.KCV, err = checkWrapped(h, k, f)
	}
	if err != nil {
		return b.cannot(h, NotBackedUp{entry.String(), k.Ref, entry.PublicKey, err.Error()}, err)
	}
	content, err := f.Bytes()
	if err != nil {
		return err
	}
	name := cmp.Or(entry.PublicKey, sumOf(f.Blob))
	if entry.Saved, err = b.save(fmt.Sprintf("key-%02d-%.8s", k.Ref, name), ".wrap", content); err != nil {
		return err
	}
	b.replaced(entry)
	b.Manifest.Keys = append(b.Manifest.Keys, entry)
	b.Tell(fmt.Sprintf("%s is saved to %s", entry, entry.File))
	return b.write()
}

// wrapWhole wraps a key without a description that no one can read, which would be
// taken for the certificate.
func wrapWhole(h *hsm.HSM, k hsm.Key) (wire.WrapFile, error) {
	f, err := h.WrapKey(k.Ref)
	if k.Description == nil {
		f.Description = nil
	}
	return f, err
}

// replaced tells of what the folder has of a reference until now. Its file stays.
func (b *CardBackup) replaced(by SavedKey) {
	for i := range b.Manifest.Keys {
		old := &b.Manifest.Keys[i]
		switch {
		case !old.Current() || old.Reference != by.Reference:
			continue
		case old.PublicKey != "" && old.PublicKey != by.PublicKey: // one that did not show its public half may be the same
			b.Tell(fmt.Sprintf("%s is no longer on the device; %s stays", old, old.File))
		default:
			if _, err := old.Read(b.dir); err == nil {
				b.Tell(fmt.Sprintf("%s, as it was, stays in %s", old, old.File))
			}
		}
		old.Until = b.now
	}
}

func savedKey(k hsm.Key) SavedKey {
	entry := SavedKey{Reference: k.Ref, Type: k.Size(), PublicKey: k.Public.Fingerprint()}
	if d := k.Description; d != nil {
		entry.Label, entry.ID = d.Label, fmt.Sprintf("%x", d.ID)
	}
	return entry
}

// hasKey says whether the folder has a key with the description and the certificate
// that it has now, under a DKEK of the device. A key that does not show its public half
// may be another one each time.
func (b *CardBackup) hasKey(h *hsm.HSM, k hsm.Key) (bool, error) {
	i := slices.IndexFunc(b.Manifest.Keys, func(s SavedKey) bool { return s.Current() && s.Reference == k.Ref })
	if i < 0 || k.Public == nil || b.Manifest.Keys[i].PublicKey != k.Public.Fingerprint() {
		return false, nil
	}
	saved := b.Manifest.Keys[i]
	f, err := saved.wrapped(b.dir)
	if err != nil {
		b.Tell(fmt.Sprintf("%s is saved once more: %v", saved, err))
		return false, nil
	}
	if _, _, err := checkWrapped(h, k, f); err != nil {
		return false, nil
	}
	if same, err := holds(h, wire.PrefixEECert.File(k.Ref), f.Certificate); !same || err != nil {
		return false, err
	}
	if k.Description == nil || f.Description == nil {
		return k.Description == nil && f.Description == nil, nil
	}
	return holds(h, wire.PrefixPrKD.File(k.Ref), f.Description)
}

// holds says whether a file of the device begins with a content, which padding may
// follow.
func holds(h *hsm.HSM, fid wire.FID, content []byte) (bool, error) {
	now, err := h.ReadFile(fid)
	if errors.Is(err, hsm.ErrNotFound) {
		return false, nil
	}
	return bytes.HasPrefix(now, content), err
}

// checkWrapped looks at what the device has wrapped, as far as that can be seen
// without the DKEK: the form of the blob, whose DKEK it is under, and that certificate
// and description are still of the key that was to be wrapped.
func checkWrapped(h *hsm.HSM, k hsm.Key, f wire.WrapFile) (domain byte, kcv string, err error) {
	blob, err := dkek.ParseBlob(f.Blob)
	if err != nil {
		return 0, "", err
	}
	domain, found, err := h.KeyDomain(blob.KCV)
	if err != nil {
		return 0, "", err
	}
	if !found {
		return 0, "", fmt.Errorf("its blob is under the DKEK with key check value %s, which the device does not have", blob.KCV)
	}
	if k.Public != nil {
		public, err := hsm.ParsePublic(f.Certificate)
		if err != nil || !public.Equal(*k.Public) {
			return 0, "", errors.New("the key changed while it was saved; give the command once more")
		}
	}
	return domain, blob.KCV.String(), nil
}

// cannot notes what the device refuses to give. It is an error where nothing more will
// be given.
func (b *CardBackup) cannot(h *hsm.HSM, n NotBackedUp, err error) error {
	if ended(h) {
		return err
	}
	b.miss(n)
	return nil
}

// ended says whether a session is over: the link is broken, or the login is gone.
func ended(h *hsm.HSM) bool {
	s, err := h.Status()
	return err != nil || !s.User.Verified && !s.User.PublicKey
}

func (b *CardBackup) miss(n NotBackedUp) {
	b.Manifest.NotBackedUp = append(b.Manifest.NotBackedUp, n)
	b.Tell("NOT BACKED UP: " + n.String())
}

// save writes a new file, under the first name that is free, and was never given.
func (b *CardBackup) save(stem, suffix string, content []byte) (Saved, error) {
	for n := 1; ; n++ {
		name := stem + suffix
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", stem, n, suffix)
		}
		if b.Manifest.lists(name) {
			continue
		}
		place, err := safefile.Reserve(filepath.Join(b.dir, name), int64(max(1, len(content))))
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return Saved{}, err
		}
		return Saved{File: name, SHA256: sumOf(content), Made: b.now}, finish(place, content)
	}
}

// finish writes what must read back as it was written.
func finish(place *safefile.Place, content []byte) error {
	defer place.Release()
	if err := place.Write(content); err != nil {
		return err
	}
	written, err := place.Reread()
	if err == nil && !bytes.Equal(written, content) {
		err = fmt.Errorf("%s does not read back as it was written; is the medium faulty?", place.Unfinished())
	}
	if err != nil {
		return err
	}
	return place.Settle()
}

// isObject says whether a file of a device is one that a backup saves by itself: a
// certificate, a data object, or the description of one.
func isObject(fid wire.FID) bool {
	switch fid.Prefix() {
	case wire.PrefixCD, wire.PrefixDCOD, wire.PrefixCACert, wire.PrefixProtectedData, wire.PrefixData:
		return true
	case wire.PrefixPrKD, wire.PrefixEECert:
		return fid.ID() != 0
	}
	return false
}

// objects are the files of a device that belong to no key, in order.
func objects(files []wire.FID) (found []wire.FID) {
	for _, fid := range files {
		ofKey := fid.Prefix() == wire.PrefixPrKD || fid.Prefix() == wire.PrefixEECert
		if isObject(fid) && !(ofKey && slices.Contains(files, wire.PrefixKey.File(fid.ID()))) {
			found = append(found, fid)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// saveObject saves a file of the device, unless the folder has it as it is.
func (b *CardBackup) saveObject(h *hsm.HSM, fid wire.FID) error {
	entry := SavedObject{FID: fmt.Sprintf("%04X", uint16(fid))}
	i := slices.IndexFunc(b.Manifest.Objects, func(o SavedObject) bool { return o.Current() && o.FID == entry.FID })
	if fid.Prefix() == wire.PrefixProtectedData && !b.PrivateData && i < 0 {
		b.miss(NotBackedUp{What: entry.String(), Why: "it is private, and would lie in the folder in the clear; --private-data saves it all the same"})
		return nil
	}
	content, err := h.ReadFile(fid)
	if err != nil {
		return b.cannot(h, NotBackedUp{What: entry.String(), Why: err.Error()}, err)
	}
	sum := sumOf(content)
	if i >= 0 && b.Manifest.Objects[i].SHA256 == sum {
		_, err := b.Manifest.Objects[i].Read(b.dir)
		if err == nil {
			return nil
		}
		b.Tell(fmt.Sprintf("%s is saved once more: %v", entry, err))
	}
	if entry.Saved, err = b.save("file-"+entry.FID+"-"+sum[:8], ".bin", content); err != nil {
		return err
	}
	if i >= 0 {
		b.Manifest.Objects[i].Until = b.now
	}
	b.Manifest.Objects = append(b.Manifest.Objects, entry)
	b.Tell(fmt.Sprintf("%s is saved to %s", entry, entry.File))
	return b.write()
}

// retireKeys tells of the keys that the device no longer has. Their files stay.
func (b *CardBackup) retireKeys(keys []hsm.Key) {
	for i := range b.Manifest.Keys {
		s := &b.Manifest.Keys[i]
		there := func(k hsm.Key) bool { return k.Ref == s.Reference && k.Public.Fingerprint() == s.PublicKey }
		if s.Current() && !slices.ContainsFunc(keys, there) {
			s.Until = b.now
			b.Tell(fmt.Sprintf("%s is no longer on the device; %s stays", s, s.File))
		}
	}
}

// retireObjects is retireKeys for files.
func (b *CardBackup) retireObjects(files []wire.FID) {
	kept := objects(files)
	for i := range b.Manifest.Objects {
		o := &b.Manifest.Objects[i]
		fid, err := o.fid()
		if o.Current() && err == nil && !slices.Contains(kept, fid) {
			o.Until = b.now
			b.Tell(fmt.Sprintf("%s is no longer on the device; %s stays", o, o.File))
		}
	}
}
