package ca_test

import (
	"fmt"
	"strings"
	"testing"

	"conclave/ca"
	"conclave/internal/foreign"
)

// TestResponder lets OpenSSL's responder answer with a certificate of ours, and
// its client judge the answer.
func TestResponder(t *testing.T) {
	foreign.Need(t, "openssl")
	for _, prefix := range []ca.Profile{"", "cabf-"} {
		f, key := newFolder(t), newKey(t)
		a := newAuthority(t, prefix+ca.Root, newKey(t))
		good, bad := issue(t, a, spec(prefix+ca.Subordinate), newKey(t).Public()), issue(t, a, spec(prefix+ca.Subordinate), newKey(t).Public())
		responder := issue(t, a, spec(prefix+ca.OCSP), key.Public())
		root, responderFile := f.certificates("root.pem", a.Certificate), f.certificates("ocsp.pem", responder)
		if text := mustRun(t, "openssl", "x509", "-noout", "-text", "-in", responderFile); !strings.Contains(text, "OCSP No Check") || !strings.Contains(text, "OCSP Signing") {
			t.Errorf("openssl x509: %s", text)
		}
		index := f.file("index.txt", fmt.Appendf(nil, "V\t491231235959Z\t\t%X\tunknown\t/CN=good\nR\t491231235959Z\t260101000000Z,keyCompromise\t%X\tunknown\t/CN=bad\n", good.SerialNumber, bad.SerialNumber))
		certs := []string{"-issuer", root, "-cert", f.certificates("good.pem", good), "-cert", f.certificates("bad.pem", bad)}
		request, response := f.dir+"/request.der", f.dir+"/response.der"
		mustRun(t, "openssl", append([]string{"ocsp", "-no_nonce", "-reqout", request}, certs...)...)
		mustRun(t, "openssl", "ocsp", "-index", index, "-CA", root, "-rsigner", responderFile, "-rkey", f.key("ocsp.key", key), "-ndays", "1", "-reqin", request, "-respout", response)
		out := mustRun(t, "openssl", append([]string{"ocsp", "-no_nonce", "-respin", response, "-CAfile", root}, certs...)...)
		for _, want := range []string{"Response verify OK", "good.pem: good", "bad.pem: revoked"} {
			if !strings.Contains(out, want) {
				t.Errorf("openssl ocsp: %q was expected: %s", want, out)
			}
		}
		// A CA's certificate is not a responder's: the client must refuse it.
		other := issue(t, a, spec(prefix+ca.Subordinate), key.Public())
		mustRun(t, "openssl", "ocsp", "-index", index, "-CA", root, "-rsigner", f.certificates("other.pem", other), "-rkey", f.key("ocsp.key", key), "-ndays", "1", "-reqin", request, "-respout", response)
		mustFail(t, "Response Verify Failure", "openssl", append([]string{"ocsp", "-no_nonce", "-respin", response, "-CAfile", root}, certs...)...)
	}
}
