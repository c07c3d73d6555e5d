package token

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"conclave/internal/pcscdtest"
	"conclave/internal/secret"
	"conclave/token/cryptoki"
)

// pkcs11Tool runs OpenSC's tool on OpenSC's module.
func pkcs11Tool(t *testing.T, module string, args ...string) string {
	t.Helper()
	out, err := exec.Command("pkcs11-tool", append([]string{"--module", module}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("pkcs11-tool %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// shownByOpenSC are the objects that pkcs11-tool -O prints, one line each.
func shownByOpenSC(out string) (objects []string) {
	heading := regexp.MustCompile(`^(Private Key|Public Key|Certificate|Data) [Oo]bject`)
	field := regexp.MustCompile(`^  (label|ID|EC_POINT|application|app_id|flags|Usage): +'?(.*?)'?$`)
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if h := heading.FindStringSubmatch(line); h != nil {
			objects = append(objects, h[1])
		} else if f := field.FindStringSubmatch(line); f != nil && len(objects) > 0 && strings.TrimSpace(f[2]) != "" {
			if last := objects[len(objects)-1]; f[1] == "Usage" && strings.HasPrefix(last, "Public") {
				continue // that of a certificate encrypts, on whatever curve it is
			}
			objects[len(objects)-1] += fmt.Sprintf(" %s=%s", f[1], strings.TrimSpace(f[2]))
		}
	}
	slices.Sort(objects)
	return objects
}

// asOpenSCShows prints objects in the same way.
func asOpenSCShows(records []Record) (objects []string) {
	for _, r := range records {
		t := cryptoki.Template(r.Attributes)
		class, _ := countOf[cryptoki.Class](t, cryptoki.AttrClass)
		var line string
		add := func(name, value string) {
			if value != "" {
				line += fmt.Sprintf(" %s=%s", name, value)
			}
		}
		switch class {
		case cryptoki.ClassData:
			line = "Data"
			add("label", textOf(t, cryptoki.AttrLabel))
			add("application", textOf(t, cryptoki.AttrApplication))
			add("app_id", objectID(textOf(t, cryptoki.AttrObjectID)))
			add("flags", strings.TrimSpace("modifiable "+map[bool]string{true: "private"}[truthOf(t, cryptoki.AttrPrivate, false)]))
		case cryptoki.ClassCertificate:
			line = "Certificate"
			add("label", textOf(t, cryptoki.AttrLabel))
			add("ID", hex.EncodeToString([]byte(textOf(t, cryptoki.AttrID))))
		case cryptoki.ClassPublicKey:
			line = "Public Key"
			add("EC_POINT", hex.EncodeToString([]byte(textOf(t, cryptoki.AttrECPoint))))
			add("label", textOf(t, cryptoki.AttrLabel))
			add("ID", hex.EncodeToString([]byte(textOf(t, cryptoki.AttrID))))
		case cryptoki.ClassPrivateKey:
			line = "Private Key"
			add("label", textOf(t, cryptoki.AttrLabel))
			add("ID", hex.EncodeToString([]byte(textOf(t, cryptoki.AttrID))))
			add("Usage", usage(t))
		}
		objects = append(objects, line)
	}
	slices.Sort(objects)
	return objects
}

// usage is as pkcs11-tool prints it.
func usage(t cryptoki.Template) string {
	var uses []string
	for _, u := range []struct {
		a    cryptoki.AttributeType
		name string
	}{{cryptoki.AttrEncrypt, "encrypt"}, {cryptoki.AttrDecrypt, "decrypt"}, {cryptoki.AttrSign, "sign"}, {cryptoki.AttrVerify, "verify"},
		{cryptoki.AttrWrap, "wrap"}, {cryptoki.AttrUnwrap, "unwrap"}, {cryptoki.AttrDerive, "derive"}} {
		if truthOf(t, u.a, false) {
			uses = append(uses, u.name)
		}
	}
	return strings.Join(uses, ", ")
}

func objectID(contents string) string {
	if contents == "" {
		return "<empty>"
	}
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(append([]byte{6, byte(len(contents))}, contents...), &oid); err != nil {
		return err.Error()
	}
	return oid.String()
}

// compare holds the objects of a slot against those that OpenSC shows, without a login
// and with one.
func (d *desk) compare(t *testing.T, module string, ids ...SlotID) {
	t.Helper()
	public, all := shownByOpenSC(pkcs11Tool(t, module, "-O")), shownByOpenSC(pkcs11Tool(t, module, "-O", "-l", "--pin", userPIN))
	for _, id := range ids {
		s, err := d.library.Application().Session(1, id, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range [][]string{public, all} {
			records, err := s.Find(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := asOpenSCShows(records); !slices.Equal(got, want) {
				t.Errorf("slot %d shows\n%s\nand OpenSC\n%s", id, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if err := s.Login(cryptoki.User, secret.Bytes(userPIN)); len(want) == len(public) && err != nil && len(public) != len(all) {
				t.Fatal(err)
			}
		}
		s.Logout()
		s.Close()
	}
}

// TestOpenSCAndWeSeeTheSameObjects, whoever has written them.
func TestOpenSCAndWeSeeTheSameObjects(t *testing.T) {
	module := openSC(t)
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("default", "root", 0)
	defer d.insert("default")()
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	authority, other := certify(t, nil, "authority"), certify(t, nil, "other")
	login := []string{"-l", "--pin", userPIN}
	for _, args := range [][]string{
		{"--keypairgen", "--key-type", "rsa:1024", "--id", "21", "--label", "first key"},
		{"--keypairgen", "--key-type", "EC:prime256v1", "--id", "2233", "--label", "second"},
		{"--keypairgen", "--key-type", "EC:prime256v1", "--id", "24", "--usage-derive"},
		{"--write-object", file("ca", authority), "--type", "cert", "--id", "77", "--label", "an authority"},
		{"--write-object", file("ca", authority), "--type", "cert", "--label", "without an ID"},
		{"--write-object", file("data", []byte("hello")), "--type", "data", "--label", "data", "--application-label", "app", "--application-id", "1.2.3.4"},
		{"--write-object", file("data", []byte("hello")), "--type", "data", "--label", "secret", "--private"},
	} {
		pkcs11Tool(t, module, append(login, args...)...)
	}
	d.compare(t, module, slotID("default"), readerSlot)

	s, err := d.library.Application().Session(1, slotID("default"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Login(cryptoki.User, secret.Bytes(userPIN)); err != nil {
		t.Fatal(err)
	}
	certificate := found(t, s, 1, class(cryptoki.ClassCertificate), octets(cryptoki.AttrLabel, "without an ID"))[0]
	if got, _ := cryptoki.Template(certificate.Attributes).Find(cryptoki.AttrValue); !bytes.Equal(got, authority) {
		t.Error("OpenSC's certificate is another one")
	}
	ofKey := certify(t, publicOf(t, s, "first key"), "of a key")
	create(t, s, x509Certificate(ofKey, onToken(true), octets(cryptoki.AttrID, []byte{0x21}), octets(cryptoki.AttrLabel, "certified"))...)
	without := create(t, s, x509Certificate(other, onToken(true), octets(cryptoki.AttrLabel, "ours"))...)
	create(t, s, class(cryptoki.ClassData), onToken(true), octets(cryptoki.AttrLabel, "our data"), octets(cryptoki.AttrApplication, "our app"),
		octets(cryptoki.AttrObjectID, []byte{0x2A, 3}), octets(cryptoki.AttrValue, "goodbye"))
	create(t, s, class(cryptoki.ClassData), onToken(true), flag(cryptoki.AttrPrivate, true), octets(cryptoki.AttrLabel, "our secret"),
		octets(cryptoki.AttrApplication, "our app"), octets(cryptoki.AttrValue, bytes.Repeat([]byte("long "), 500)))
	renamed := found(t, s, 1, class(cryptoki.ClassPrivateKey), octets(cryptoki.AttrLabel, "second"))[0].Handle
	if err := s.Set(renamed, cryptoki.Template{octets(cryptoki.AttrLabel, "renamed"), octets(cryptoki.AttrID, []byte{0x44})}); err != nil {
		t.Fatal(err)
	}
	limited := cryptoki.Template{onToken(true), flag(cryptoki.AttrAlwaysAuthenticate, true), octets(cryptoki.AttrLabel, "limited"),
		octets(cryptoki.AttrID, []byte{0, 0}), octets(cryptoki.AttrAllowedMechanisms, cryptoki.Number(cryptoki.ECDSASHA512))}
	if _, _, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, p521(t), limited); err != nil {
		t.Fatal(err)
	}
	s.Logout()
	d.compare(t, module, slotID("default"), readerSlot)
	if out := pkcs11Tool(t, module, append(login, "-O", "--type", "privkey", "--id", "0000")...); !strings.Contains(out, "always authenticate") {
		t.Errorf("OpenSC sees a key that does not want the PIN for each use:\n%s", out)
	}

	for _, test := range []struct {
		want []byte
		args []string
	}{
		{ofKey, []string{"--type", "cert", "--id", "21"}},
		{other, []string{"--type", "cert", "--id", hex.EncodeToString(value(t, s, without, cryptoki.AttrID))}},
		{[]byte("goodbye"), []string{"--type", "data", "--label", "our data"}},
		{bytes.Repeat([]byte("long "), 500), append(login, "--type", "data", "--label", "our secret")},
	} {
		path := filepath.Join(dir, "out")
		pkcs11Tool(t, module, append(test.args, "--read-object", "-o", path)...)
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, test.want) {
			t.Errorf("pkcs11-tool %q reads %q, %v", test.args, got, err)
		}
	}
	for _, args := range [][]string{{"--type", "cert", "--label", "ours"}, {"--type", "data", "--label", "our data"}, {"--type", "privkey", "--id", "24"}} {
		pkcs11Tool(t, module, append(append(login, "--delete-object"), args...)...)
	}
	d.compare(t, module, slotID("default"), readerSlot)
}
