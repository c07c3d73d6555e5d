package token

import (
	"maps"
	"slices"
	"strings"

	"conclave/dkek"
	"conclave/hsm"
	"conclave/tlv"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// part is the objects that are made of the files of one key, certificate or data
// object. It is made again when one of them is another.
type part struct {
	files    [3]*file
	wrapping bool
	objects  []*object
}

// maker makes the objects of a token from its files.
type maker struct {
	serial   string
	nonce    []byte
	files    map[wire.FID]*file
	before   map[wire.FID]*part
	wrapping bool // keys can be wrapped
	kcv      dkek.KCV
}

// shown says whether objects are made of a file.
func shown(fid wire.FID) bool {
	return described(fid.Prefix()) && fid != wire.PrefixKey.File(0)
}

// parts makes all objects, in the order of their files. The files of others may be
// anything: each is shown as far as it can be, and keeps no other from being shown.
func (m *maker) parts() (parts map[wire.FID]*part, all []*object) {
	parts = map[wire.FID]*part{}
	for _, fid := range slices.Sorted(maps.Keys(m.files)) {
		var p *part
		switch fid.Prefix() {
		case wire.PrefixKey:
			p = m.part(fid, m.keyObjects, wire.PrefixKey, wire.PrefixPrKD, wire.PrefixEECert)
		case wire.PrefixCACert:
			p = m.part(fid, m.certificateObjects, wire.PrefixCACert, wire.PrefixCD)
		case wire.PrefixDCOD:
			p = m.part(fid, m.dataObjects, wire.PrefixDCOD, wire.PrefixData, wire.PrefixProtectedData)
		default:
			continue
		}
		parts[fid] = p
		all = append(all, p.objects...)
	}
	if m.wrapping {
		p := m.dkekPart()
		parts[dkekFID] = p
		all = append(all, p.objects...)
	}
	return parts, all
}

// part is made from its files, or is the one that was made of them before.
func (m *maker) part(fid wire.FID, objects func(id byte, files [3]*file) []*object, prefixes ...wire.Prefix) *part {
	p := &part{wrapping: m.wrapping}
	for i, prefix := range prefixes {
		p.files[i] = m.files[prefix.File(fid.ID())]
	}
	if before := m.before[fid]; before != nil && before.files == p.files && before.wrapping == p.wrapping {
		return before
	}
	p.objects = objects(fid.ID(), p.files)
	for _, o := range p.objects {
		o.attributes = append(o.attributes, uniqueID(o.handle))
	}
	return p
}

// keyObjects are a key, its public half and its certificate. What is not known is left
// out, but the key is there all the same.
func (m *maker) keyObjects(ref byte, files [3]*file) (objects []*object) {
	description, err := wire.ParsePrKD(files[1].element())
	if err != nil {
		description = wire.PrKD{ID: []byte{ref}}
	}
	stored := files[2].element()
	public, _ := shownPublic(stored)
	k := &keyDescription{
		kind: description.Type, bits: description.Bits, label: description.Label, id: description.ID, usage: description.Usage,
		public: public, extractable: m.wrapping, consent: description.Consent, algorithms: description.Algorithms, local: true,
	}
	k.limit(files[0])
	k.complete()
	if stored != nil && stored[0] != wire.FirstOfRequest {
		k.subject = parseNames(stored).subject
	}
	if k.kind == 0 || k.kind == wire.KeyMLDSA {
		return nil // nothing is known of it, not even its kind; or it is of one that has no objects
	}
	identity := m.identity(public)
	objects = append(objects, m.object(cryptoki.ClassPrivateKey, wire.PrefixKey.File(ref), identity, k.privateKey(), public))
	if k.kind == wire.KeyAES {
		objects[0] = m.object(cryptoki.ClassSecretKey, wire.PrefixKey.File(ref), identity, k.secretKey(), nil)
	}
	if public != nil {
		objects = append(objects, m.object(cryptoki.ClassPublicKey, wire.PrefixKey.File(ref), identity, k.publicKey(), public))
	}
	if stored != nil && stored[0] != wire.FirstOfRequest && isCertificate(stored) {
		attributes := certificate(cryptoki.CategoryToken, k.label, k.id, stored)
		objects = append(objects, m.object(cryptoki.ClassCertificate, wire.PrefixEECert.File(ref), stored, attributes, nil))
	}
	for _, o := range objects {
		o.ref, o.hidden = ref, strings.HasPrefix(k.label, provisionalMark)
	}
	return objects
}

// shownPublic reads the public key of a certificate or a request, of a kind that has objects.
// Keys for ML-DSA have none: programs that list the keys of a token stumble over a type
// that their PKCS#11 does not have.
func shownPublic(content []byte) (*wire.PublicKey, error) {
	public, err := hsm.ParsePublic(content)
	if err == nil && public.Type == wire.KeyMLDSA {
		return nil, cryptoki.KeyTypeInconsistent
	}
	return public, err
}

// limit takes what limits the key from its FCP. In place of its list of algorithms there
// is that of its description, if the device does not tell its own.
func (k *keyDescription) limit(fcp *file) {
	limits, err := wire.ParseKeyLimits(fcp.content)
	if err == nil {
		k.limits = limits
	}
	if l := k.limits; l.UseCounter != nil || l.Algorithms != nil && !slices.Contains(l.Algorithms, byte(wire.AlgorithmWrap)) {
		k.extractable = false
	}
	if len(k.limits.Algorithms) == 0 {
		k.limits.Algorithms = k.algorithms
	}
}

// complete takes from the public half what the description does not say.
func (k *keyDescription) complete() {
	if k.public != nil && k.public.Type != k.kind {
		k.kind, k.usage = k.public.Type, 0
	}
	if k.usage == 0 && k.kind != 0 {
		k.usage = k.kind.Usual()
	}
}

// identity is what makes a key this one: its public half, or a number of this process.
func (m *maker) identity(public *wire.PublicKey) []byte {
	if public != nil {
		if spki, err := public.SPKI(); err == nil {
			return spki
		}
	}
	return m.nonce
}

func (m *maker) object(class cryptoki.Class, fid wire.FID, identity []byte, attributes cryptoki.Template, public *wire.PublicKey) *object {
	return &object{
		handle: tokenHandle(m.serial, class, uint16(fid), identity), class: class, attributes: attributes, file: fid, public: public,
	}
}

// isCertificate says whether a file holds an X.509 certificate or a CVC.
func isCertificate(content []byte) bool {
	if content[0] == wire.FirstOfX509 {
		return parseNames(content).spki != nil
	}
	cursor := tlv.Cursor(content)
	_, err := wire.ParseCVC(&cursor)
	return err == nil
}

// certificateObjects is a certificate that belongs to no key, with its public key; or
// nothing.
func (m *maker) certificateObjects(id byte, files [3]*file) []*object {
	content := files[0].element()
	if content == nil || !isCertificate(content) {
		return nil
	}
	fid := wire.PrefixCACert.File(id)
	description, err := wire.ParseCD(files[1].element())
	if err != nil || len(description.ID) == 0 {
		description.ID = []byte{byte(fid >> 8), byte(fid)}
	}
	attributes := certificate(cryptoki.CategoryAuthority, description.Label, description.ID, content)
	objects := []*object{m.object(cryptoki.ClassCertificate, fid, content, attributes, nil)}
	public, err := shownPublic(content)
	if err != nil {
		return objects // of a kind that no card has, or no objects
	}
	k := &keyDescription{kind: public.Type, bits: public.Bits, label: description.Label, id: description.ID, subject: parseNames(content).subject, public: public}
	return append(objects, m.object(cryptoki.ClassPublicKey, fid, m.identity(public), k.publicKey(), public))
}

// dataObjects is a data object, or none.
func (m *maker) dataObjects(id byte, files [3]*file) []*object {
	description, err := wire.ParseDCOD(files[0].element())
	if err != nil {
		return nil
	}
	f, private := files[1], false
	if description.File.Prefix() == wire.PrefixProtectedData || f == nil && files[2] != nil {
		f, private = files[2], true
	}
	var value []byte
	if f != nil {
		value = f.content
	}
	attributes := append(storage(cryptoki.ClassData, private, description.Label),
		octets(cryptoki.AttrApplication, description.Application), octets(cryptoki.AttrObjectID, description.ObjectID),
		octets(cryptoki.AttrValue, value))
	name := strings.Join([]string{description.Label, description.Application, string(description.ObjectID)}, "\x00")
	return []*object{m.object(cryptoki.ClassData, wire.PrefixDCOD.File(id), []byte(name), attributes, nil)}
}
