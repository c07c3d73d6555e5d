//go:build linux

package custody

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"conclave/acceptance"
	"conclave/ca"
	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
	"conclave/internal/testrun"
	"conclave/link/pcsc"
)

// nginx is Debian's, which is not on everyone's PATH.
const nginx = "/usr/sbin/nginx"

// Where the root publishes.
const (
	crlURL  = "http://pki.example.test/root.crl"
	rootURL = "http://pki.example.test/root.cer"
	ocspURL = "http://ocsp.example.test/"
)

// TestRootTrustedByNginxAndCurl: a web server's certificate leads to a root of
// ours, and a visitor who trusts that root trusts the server as far as the root
// allows.
func TestRootTrustedByNginxAndCurl(t *testing.T) {
	foreign.Need(t, nginx, "curl", "openssl")
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create")
	d.initialise()
	d.root("1", "root")
	d.root("2", "other", "--register", "other.sqlite")
	serial := d.issue("issuing", 10, published("--path-len", "0", "--permit-dns", "example.test")...)
	d.crlOfIssuing()
	d.tlsCertificate("www.example.test")
	d.tlsCertificate("www.example.net")
	d.publish("root-1.crl")
	way := d.web("www.example.test", "www.example.net")
	visit := func(root, host string, options ...string) []string {
		return slices.Concat(way, options, []string{"--cacert", root, "https://" + host + "/"})
	}

	d.fetch(way, "issuing")
	for _, crls := range [][]string{nil, {"--crlfile", "crls.pem"}} {
		if page := d.Run("curl", visit("fetched.pem", "www.example.test", crls...)...); page != "this is www.example.test" {
			t.Errorf("curl shows %q", page)
		}
		d.Refused("unable to get local issuer certificate", "curl", visit("other.pem", "www.example.test", crls...)...)
		d.Refused("permitted subtree violation", "curl", visit("fetched.pem", "www.example.net", crls...)...)
	}
	d.Run("our conclave", "ca", "revoke", serial, "--issuer", "root.pem", "--yes")
	d.publish("root-2.crl")
	d.fetch(way, "issuing")
	d.Refused("certificate revoked", "curl", visit("fetched.pem", "www.example.test", "--crlfile", "crls.pem")...)
}

// TestCAOnACardInAReader: an authority whose key is on a card in a reader,
// judged by OpenSSL.
func TestCAOnACardInAReader(t *testing.T) {
	foreign.Need(t, "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create", "card")
	defer d.Serve("card")()
	t.Setenv("CONCLAVE_DEVICE", "pcsc:")
	d.initialise()
	d.root("1", "root")
	d.issue("kept", 10, published("--path-len", "0")...)
	revoked := d.issue("revoked", 10, published()...)
	d.issue("responder", 1, "--profile", "ocsp")
	verify := []string{"verify", "-x509_strict", "-crl_check_all", "-CAfile", "root.pem", "-CRLfile"}

	d.crl("root-1.crl")
	d.Run("openssl", append(verify, "root-1.crl.pem", "-purpose", "ocsphelper", "responder.pem")...)
	d.Run("openssl", append(verify, "root-1.crl.pem", "kept.pem")...)
	d.Run("openssl", append(verify, "root-1.crl.pem", "revoked.pem")...)
	d.Run("our conclave", "ca", "revoke", revoked, "--issuer", "root.pem", "--reason", "cessationOfOperation", "--yes")
	d.crl("root-2.crl")
	d.shows("Cessation Of Operation", "openssl", "crl", "-in", "root-2.crl", "-noout", "-text")
	d.Run("openssl", append(verify, "root-2.crl.pem", "kept.pem")...)
	d.Refused("certificate revoked", "openssl", append(verify, "root-2.crl.pem", "revoked.pem")...)

	d.shows(ocspURL, "openssl", "x509", "-in", "kept.pem", "-noout", "-ocsp_uri")
	d.Write("index.txt", d.index())
	responder := d.responder(3)
	d.statusIs(responder, "good", "-cert", "kept.pem")
	d.statusIs(responder, "revoked", "-cert", "revoked.pem")
	d.statusIs(responder, "unknown", "-serial", "0x1234")
}

// TestCeremonyOnCardsInReaders holds the ceremony of the examples with devices
// that its plan knows by their serial numbers, wherever they are put in.
func TestCeremonyOnCardsInReaders(t *testing.T) {
	foreign.Need(t, "openssl", "pkcs11-tool", "pkcs15-tool")
	t.Run("the standby is embedded, the other card is not used", func(t *testing.T) {
		ceremonyOnCards(t, func(string) []string { return nil })
	})
	t.Run("the standby is the other card, and is erased", func(t *testing.T) {
		ceremonyOnCards(t, func(other string) []string {
			return []string{
				`{"name": "standby", "embedded": true}`, fmt.Sprintf(`{"name": "standby", "serial": %q}`, other),
				`"standby": "standby"`, `"standby": "standby", "eraseStandby": true`,
			}
		})
	})
}

// ceremonyOnCards begins the ceremony with the primary device in the second
// reader, and another card in the first. In the end that card holds no key.
func ceremonyOnCards(t *testing.T, changes func(other string) []string) {
	pcscdtest.Start(t)
	d := newDesk(t)
	other := d.card("other", pcscdtest.Reader, pcscdtest.VPCD)
	primary := d.card("card", pcscdtest.SecondReader, pcscdtest.SecondVPCD)
	d.request("issuing")
	d.examplePlan("plan.json", primary, changes(other)...)
	d.examplePlan("elsewhere.json", "ZZCL0000000", changes(other)...)

	d.shows("serial number "+primary+", keys: 0", "our conclave", "ceremony", "check", "plan.json")
	d.Refused("no reader holds the device with serial number ZZCL0000000; there is "+other+", "+primary, "our conclave", "ceremony", "check", "elsewhere.json")
	d.holdCeremony("plan.json")
	d.verifies("plan.ceremony/evidence", "device primary: serial number "+primary)
	d.Run("openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", "plan.ceremony/evidence/certificates/root.pem",
		"-CRLfile", "plan.ceremony/publish/root-crl-1.crl", "plan.ceremony/evidence/certificates/issuing.pem")

	d.shows("Private EC Key [root]", "pkcs15-tool", "--reader", "1", "--list-keys")
	d.shows("Private Key Object; EC", "pkcs11-tool", "--module", acceptance.Module(t), "--slot-index", "1", "--login", "--pin", "648219", "--list-objects")
	if keys := d.Run("pkcs15-tool", "--reader", "0", "--list-keys"); strings.Contains(keys, "Private") {
		t.Errorf("the other card holds keys:\n%s", keys)
	}
	d.Run("pkcs15-tool", "--reader", "1", "--read-public-key", "01", "--output", "card.pem")
	d.Run("openssl", "pkey", "-pubin", "-in", "card.pem", "-out", "card.pub.pem")
	d.Run("openssl", "x509", "-in", "plan.ceremony/evidence/certificates/root.pem", "-noout", "-pubkey", "-out", "root.pub.pem")
	d.Equal("card.pub.pem", "root.pub.pem")
}

// TestTwoRootsInAReader: a device of ours in a virtual reader has a post-quantum root, whose
// keys and signatures are longer than what a card answers at once.
func TestTwoRootsInAReader(t *testing.T) {
	foreign.Need(t, "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	primary := d.card("card", pcscdtest.Reader, pcscdtest.VPCD)
	d.request("issuing-classical")
	d.request("issuing-pq")
	d.planOf("two-roots", "plan.json", primary, "Example Issuing CA C1", "issuing-classical", "Example Issuing CA Q1", "issuing-pq")
	d.holdCeremony("plan.json")
	d.verifies("plan.ceremony/evidence", "restore: every key was proved on the device standby")
	certificates := "plan.ceremony/evidence/certificates/"
	d.Run("openssl", "verify", "-x509_strict", "-CAfile", certificates+"root-classical.pem", certificates+"issuing-classical.pem")
	root, below := d.certificate(certificates+"root-pq.pem"), d.certificate(certificates+"issuing-pq.pem")
	for i, good := range foreign.NodeVerifies(t, []foreign.Signed{
		{Key: root.RawSubjectPublicKeyInfo, Content: root.RawTBSCertificate, Signature: root.Signature, Certificate: root.Raw, Issuer: root.Raw},
		{Key: root.RawSubjectPublicKeyInfo, Content: below.RawTBSCertificate, Signature: below.Signature, Certificate: below.Raw, Issuer: root.Raw},
	}) {
		if !good {
			t.Errorf("OpenSSL does not verify the root, or what it has issued: number %d", i)
		}
	}
}

// certificate reads one.
func (d *desk) certificate(name string) *x509.Certificate {
	d.T.Helper()
	cert, err := ca.ReadCertificate(d.File(name))
	if err != nil {
		d.T.Fatal(err)
	}
	return cert
}

// verifies verifies evidence with the ceremony key as it would stand on the paper:
// everything must be proved.
func (d *desk) verifies(folder, text string) {
	d.T.Helper()
	out, _ := d.Command("our conclave", "ceremony", "verify", folder, "--json").Output() // without the paper it is not proved
	var report struct {
		Key string `json:"ceremony_key"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		d.T.Fatalf("%v: %s", err, out)
	}
	d.shows(text, "our conclave", "ceremony", "verify", folder, "--key", report.Key)
}

// shows runs a program whose output must contain something.
func (d *desk) shows(text, name string, args ...string) {
	d.T.Helper()
	if out := d.Run(name, args...); !strings.Contains(out, text) {
		d.T.Errorf("%s %s: %q was expected in\n%s", name, strings.Join(args, " "), text, out)
	}
}

// examplePlan writes the plan of one root with changes.
func (d *desk) examplePlan(name, primary string, changes ...string) {
	d.T.Helper()
	d.planOf("offline-root", name, primary, append(changes, "Example Issuing CA 1", "issuing")...)
}

// planOf writes the plan of an example with changes, each an old and a new text: for
// today, the primary device with a serial number.
func (d *desk) planOf(example, name, primary string, changes ...string) {
	d.T.Helper()
	plan := readVector(d.T, "examples/"+example+"/plan.json")
	changes = append(changes,
		`{"name": "primary", "embedded": true}`, fmt.Sprintf(`{"name": "primary", "serial": %q}`, primary),
		"2026-11-01", time.Now().UTC().Format(time.DateOnly), "2027-11-01", years(1), "2036-10-31", years(10), "2046-10-31", years(20))
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(plan, changes[i]) {
			d.T.Fatalf("the example's plan does not say %s", changes[i])
		}
		plan = strings.ReplaceAll(plan, changes[i], changes[i+1])
	}
	d.Write(name, plan)
}

// card puts a new device into a reader until the end of the test, and gives its
// serial number.
func (d *desk) card(name, reader, address string) (serial string) {
	d.T.Helper()
	serial = strings.TrimSpace(d.Run("our conclave", "hsm", "create", name, "--quiet"))
	cmd := d.Command("our conclave", "hsm", "serve", "--device", name, "--vpcd", address)
	d.start(cmd)
	d.T.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			d.T.Errorf("conclave hsm serve, stopped by SIGTERM: %v", err)
		}
	})
	if _, err := pcsc.WaitForCard(testrun.Patience(d.T), reader); err != nil {
		d.T.Fatalf("the card does not show in %s: %v", reader, err)
	}
	return serial
}

// initialise initialises the device that CONCLAVE_DEVICE names.
func (d *desk) initialise() {
	d.T.Helper()
	d.Run("our conclave", "hsm", "init", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--yes")
}

// years is the day that ends as many years from today.
func years(n int) string { return time.Now().UTC().AddDate(n, 0, -1).Format(time.DateOnly) }

// root makes a key, and a root with it. All of them have the same name.
func (d *desk) root(ref, name string, args ...string) {
	d.T.Helper()
	d.Run("our conclave", "key", "generate", "--ref", ref, "--type", "ec:P-384", "--pin", "env:PIN")
	d.Run("our conclave", append([]string{"ca", "root", ref, name + ".pem", "--pin", "env:PIN",
		"--subject", "CN=Root CA,O=Example Ltd,C=CH", "--until", years(20)}, args...)...)
}

// sign lets the root sign.
func (d *desk) sign(command string, args ...string) {
	d.T.Helper()
	d.Run("our conclave", slices.Concat([]string{"ca", command}, args, []string{"--issuer", "root.pem", "--pin", "env:PIN"})...)
}

// published are the options that say where the root publishes, and others.
func published(options ...string) []string {
	return append([]string{"--crl-url", crlURL, "--cert-url", rootURL, "--ocsp-url", ocspURL}, options...)
}

// request makes a key that OpenSSL holds, and a request for it.
func (d *desk) request(name string) {
	d.T.Helper()
	d.Run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-keyout", name+".key", "-out", name+".csr", "-subj", "/C=CH/O=Example Ltd/CN="+name)
}

// issue lets the root certify a new key, and gives the serial number.
func (d *desk) issue(name string, n int, args ...string) string {
	d.T.Helper()
	d.request(name)
	d.sign("issue", append(args, name+".csr", name+".pem", "--subject", "CN="+name+",O=Example Ltd,C=CH", "--until", years(n))...)
	serial := d.Run("openssl", "x509", "-in", name+".pem", "-noout", "-serial")
	return strings.TrimSpace(strings.TrimPrefix(serial, "serial="))
}

// crl lets the root sign a CRL, which OpenSSL makes PEM of.
func (d *desk) crl(name string) {
	d.T.Helper()
	d.sign("crl", name, "--next-update", time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly))
	d.Run("openssl", "crl", "-in", name, "-out", name+".pem")
}

// crlOfIssuing makes the subordinate's own CRL, which curl wants too.
func (d *desk) crlOfIssuing() {
	d.T.Helper()
	d.Write("issuing.index", "")
	d.Write("issuing.cnf", "[ca]\ndefault_ca=issuing\n[issuing]\ndatabase=issuing.index\ndefault_md=sha256\ndefault_crl_days=30\n")
	d.Run("openssl", "ca", "-config", "issuing.cnf", "-gencrl", "-cert", "issuing.pem", "-keyfile", "issuing.key", "-out", "issuing.crl.pem")
}

// tlsCertificate lets the subordinate certify a web server.
func (d *desk) tlsCertificate(host string) {
	d.T.Helper()
	d.request(host)
	d.Write(host+".ext", "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:"+host+"\n")
	d.Run("openssl", "x509", "-req", "-in", host+".csr", "-CA", "issuing.pem", "-CAkey", "issuing.key", "-CAcreateserial",
		"-days", "30", "-extfile", host+".ext", "-out", host+".pem")
	d.join(host+".chain.pem", host+".pem", "issuing.pem")
}

// join writes files after one another into one.
func (d *desk) join(out string, names ...string) {
	d.T.Helper()
	var all strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(d.File(name))
		if err != nil {
			d.T.Fatal(err)
		}
		all.Write(content)
	}
	d.Write(out, all.String())
}

// publish signs a CRL, and puts it and the root where the web server finds them.
func (d *desk) publish(crl string) {
	d.T.Helper()
	if err := os.MkdirAll(d.File("publish"), 0o755); err != nil {
		d.T.Fatal(err)
	}
	d.crl(crl)
	d.join("publish/root.crl", crl)
	d.Run("openssl", "x509", "-in", "root.pem", "-outform", "DER", "-out", "publish/root.cer")
}

// fetch gets from the web what a certificate says that its issuer publishes:
// fetched.pem, the root, and in crls.pem its CRL, beside the subordinate's.
func (d *desk) fetch(way []string, name string) {
	d.T.Helper()
	root := d.extension(name, "authorityInfoAccess", `CA Issuers - URI:(\S+)`)
	crl := d.extension(name, "crlDistributionPoints", `URI:(\S+)`)
	d.Run("curl", append(way, root, "--output", "fetched.cer", crl, "--output", "fetched.crl")...)
	d.Run("openssl", "x509", "-inform", "DER", "-in", "fetched.cer", "-out", "fetched.pem")
	d.Run("openssl", "crl", "-inform", "DER", "-in", "fetched.crl", "-out", "fetched.crl.pem")
	d.join("crls.pem", "fetched.crl.pem", "issuing.crl.pem")
}

// extension is the group of a pattern in what OpenSSL shows of a certificate's
// extension.
func (d *desk) extension(name, extension, pattern string) string {
	d.T.Helper()
	shown := d.Run("openssl", "x509", "-in", name+".pem", "-noout", "-ext", extension)
	found := regexp.MustCompile(pattern).FindStringSubmatch(shown)
	if found == nil {
		d.T.Fatalf("%s.pem: %q was expected in the extension %s:\n%s", name, pattern, extension, shown)
	}
	return found[1]
}

// webConfig is nginx's, for two ports. It writes into its folder alone.
const webConfig = `daemon off;
user root; # who may read the test's folder
pid nginx.pid;
error_log stderr error;
events {}
http {
	access_log off;
	client_body_temp_path temp;
	proxy_temp_path temp;
	fastcgi_temp_path temp;
	uwsgi_temp_path temp;
	scgi_temp_path temp;
	server { listen %s; root publish; }
%s}
`

// webHost is a host with TLS, by its address and its name.
const webHost = `	server {
		listen %[1]s ssl;
		server_name %[2]s;
		ssl_certificate %[2]s.chain.pem;
		ssl_certificate_key %[2]s.key;
		return 200 "this is %[2]s";
	}
`

// web serves what is published, and hosts with TLS. It gives the options by
// which curl finds them, whatever the name.
func (d *desk) web(hosts ...string) (way []string) {
	d.T.Helper()
	plain, secure := d.listen(), d.listen()
	var servers strings.Builder
	for _, host := range hosts {
		fmt.Fprintf(&servers, webHost, secure.Addr(), host)
	}
	d.Write("nginx.conf", fmt.Sprintf(webConfig, plain.Addr(), servers.String()))
	d.startNginx(plain, secure)
	return []string{"--silent", "--show-error", "--fail", "--max-time", "20", "--noproxy", "*",
		"--connect-to", fmt.Sprintf(":80:%s", plain.Addr()), "--connect-to", fmt.Sprintf(":443:%s", secure.Addr())}
}

func (d *desk) listen() *net.TCPListener {
	d.T.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		d.T.Fatal(err)
	}
	return listener
}

// startNginx runs nginx until the end of the test. It gets its sockets as from
// the nginx before it, so they take connections already, and no one else has
// their ports meanwhile.
func (d *desk) startNginx(sockets ...*net.TCPListener) {
	d.T.Helper()
	cmd := d.Command(nginx, "-e", "stderr", "-p", d.Dir, "-c", "nginx.conf")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	inherited := "NGINX="
	for i, socket := range sockets {
		file, err := socket.File()
		if err != nil {
			d.T.Fatal(err)
		}
		defer file.Close()
		defer socket.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
		inherited += fmt.Sprintf("%d;", 3+i)
	}
	cmd.Env = append(cmd.Env, inherited)
	d.start(cmd)
	d.T.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			d.T.Errorf("nginx, stopped by SIGTERM: %v", err)
		}
	})
}

func (d *desk) start(cmd *exec.Cmd) {
	d.T.Helper()
	if err := cmd.Start(); err != nil {
		d.T.Fatal(err)
	}
}

// exported is what a responder needs of an entry in a register's export.
type exported struct {
	Kind, Number, Subject string
	DER                   []byte
	Revocations           []struct {
		Time   time.Time
		Reason int
	}
}

// index is the register as OpenSSL's responder wants it: what openssl-ca(1)
// calls its database.
func (d *desk) index() string {
	d.T.Helper()
	var register struct{ Entries []exported }
	if err := json.Unmarshal([]byte(d.Run("our conclave", "ca", "export")), &register); err != nil {
		d.T.Fatal(err)
	}
	var lines strings.Builder
	for _, e := range register.Entries {
		if e.Kind == "certificate" {
			lines.WriteString(e.line(d.T))
		}
	}
	return lines.String()
}

// line is that of a certificate, whose last revocation holds.
func (e exported) line(t *testing.T) string {
	t.Helper()
	cert, err := x509.ParseCertificate(e.DER)
	if err != nil {
		t.Fatal(err)
	}
	const utcTime = "060102150405Z"
	state, revoked := "V", ""
	if n := len(e.Revocations); n > 0 {
		reasons := []string{0: "unspecified", 5: "cessationOfOperation"}
		state, revoked = "R", e.Revocations[n-1].Time.Format(utcTime)+","+reasons[e.Revocations[n-1].Reason]
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\tunknown\t%s\n", state, cert.NotAfter.Format(utcTime), revoked, strings.ToUpper(e.Number), e.Subject)
}

// responder runs OpenSSL's, with the certificate that the root has issued for
// it, until it has answered so often. It gives its URL.
func (d *desk) responder(answers int) string {
	d.T.Helper()
	cmd := d.Command("openssl", "ocsp", "-index", "index.txt", "-port", "0", "-nrequest", fmt.Sprint(answers),
		"-CA", "root.pem", "-rsigner", "responder.pem", "-rkey", "responder.key")
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.T.Fatal(err)
	}
	d.start(cmd)
	d.T.Cleanup(func() {
		if d.T.Failed() { // it may wait for requests that do not come
			cmd.Process.Kill()
		}
		if err := cmd.Wait(); err != nil {
			d.T.Errorf("openssl ocsp, the responder: %v\n%s", err, log.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	found := regexp.MustCompile(`^ACCEPT \S*:(\d+) `).FindStringSubmatch(line)
	if found == nil {
		d.T.Fatalf("openssl ocsp says %q, %v, and not where it listens", line, err)
	}
	return "http://127.0.0.1:" + found[1] + "/"
}

// statusIs asks a responder; its answer must be signed by someone who may.
func (d *desk) statusIs(responder, status string, certificate ...string) {
	d.T.Helper()
	answer := d.Run("openssl", slices.Concat([]string{"ocsp", "-url", responder, "-no_proxy", "127.0.0.1",
		"-CAfile", "root.pem", "-issuer", "root.pem"}, certificate)...)
	if !strings.Contains(answer, "Response verify OK\n") || !strings.Contains(answer, ": "+status+"\n") {
		d.T.Errorf("the responder says of %v, where %s was expected:\n%s", certificate, status, answer)
	}
}
