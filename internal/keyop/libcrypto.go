package keyop

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"conclave/internal/secret"

	"github.com/ebitengine/purego"
)

// Constants of OpenSSL 3: openssl/rsa.h, openssl/crypto.h.
const (
	rsaNoPadding         = 3
	initNoLoadConfig     = 0x80
	openSSLVersionString = 0
)

// Libcrypto returns the engine of OpenSSL 3, whose library it opens at run
// time. The error names the library that is missing.
//
// libcrypto blinds the operation. It checks the result of its CRT computation
// with the public exponent itself, but not what it computes in place of a wrong
// one (rsa_ossl_mod_exp in crypto/rsa/rsa_ossl.c).
func Libcrypto() (Engine, error) {
	lib, err := openLibcrypto(libcryptoNames())
	if err != nil {
		return nil, err
	}
	return lib, nil
}

// libcryptoNames lists the names of OpenSSL 3's library, in the order in which
// they are tried. Only those of Linux have been tested.
func libcryptoNames() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"libcrypto.3.dylib", "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib", "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib"}
	case "windows":
		return []string{"libcrypto-3-x64.dll", "libcrypto-3-arm64.dll"}
	default:
		return []string{"libcrypto.so.3"}
	}
}

// libcrypto binds the functions we call. Pointers to C are uintptr, since the
// garbage collector must not look at them; pointers to Go memory are pinned by
// whoever calls, for the duration of the call.
type libcrypto struct {
	version string

	d2iRSAPrivateKey func(key uintptr, der **byte, length int) uintptr
	rsaFree          func(key uintptr)
	rsaPrivate       func(length int32, in, out *byte, key uintptr, padding int32) int32
	rsaPublic        func(length int32, in, out *byte, key uintptr, padding int32) int32
	bnNew            func() uintptr
	bnClearFree      func(n uintptr)
	bnBin2bn         func(bytes *byte, length int32, n uintptr) uintptr
	bnIsWord         func(n uintptr, word uint) int32
	bnCtxNew         func() uintptr
	bnCtxFree        func(ctx uintptr)
	bnModExp2        func(out1, base1, exponent1, modulus1, montgomery1, out2, base2, exponent2, modulus2, montgomery2, ctx uintptr) int32
	errGet           func() uintptr
	errString        func(code uintptr, buffer *byte, length uintptr)
	errClear         func()
	d2iECPrivateKey  func(key uintptr, der **byte, length int) uintptr
	ecdsaSign        func(kind int32, digest *byte, digestLength int32, signature *byte, signatureLength *uint32, key uintptr) int32
	ecKeyFree        func(key uintptr)
	initCrypto       func(options uint64, settings uintptr) int32
	openSSLVersion   func(which int32) string
}

func openLibcrypto(names []string) (*libcrypto, error) {
	handle, err := openFirst(names)
	if err != nil {
		return nil, err
	}
	clearFreed()
	lib := new(libcrypto)
	if err := lib.bind(handle); err != nil {
		return nil, err
	}
	// Without openssl.cnf: a provider that it activates, such as the one for
	// PKCS#11, might be built on this very token.
	if lib.initCrypto(initNoLoadConfig, 0) != 1 {
		return nil, lib.failure("OPENSSL_init_crypto")
	}
	lib.version = lib.openSSLVersion(openSSLVersionString)
	return lib, nil
}

func openFirst(names []string) (uintptr, error) {
	var failures []error
	for _, name := range names {
		handle, err := openLibrary(name)
		if err == nil {
			return handle, nil
		}
		failures = append(failures, err)
	}
	return 0, fmt.Errorf("keyop: OpenSSL 3's library %s cannot be opened; install it (Debian and Ubuntu: package libssl3): %w", strings.Join(names, ", "), errors.Join(failures...))
}

func (l *libcrypto) bind(handle uintptr) error {
	for name, function := range map[string]any{
		"d2i_RSAPrivateKey":            &l.d2iRSAPrivateKey,
		"RSA_free":                     &l.rsaFree,
		"RSA_private_decrypt":          &l.rsaPrivate,
		"RSA_public_encrypt":           &l.rsaPublic,
		"BN_new":                       &l.bnNew,
		"BN_clear_free":                &l.bnClearFree,
		"BN_bin2bn":                    &l.bnBin2bn,
		"BN_is_word":                   &l.bnIsWord,
		"BN_CTX_secure_new":            &l.bnCtxNew,
		"BN_CTX_free":                  &l.bnCtxFree,
		"BN_mod_exp_mont_consttime_x2": &l.bnModExp2,
		"ERR_get_error":                &l.errGet,
		"ERR_error_string_n":           &l.errString,
		"ERR_clear_error":              &l.errClear,
		"d2i_ECPrivateKey":             &l.d2iECPrivateKey,
		"ECDSA_sign":                   &l.ecdsaSign,
		"EC_KEY_free":                  &l.ecKeyFree,
		"OPENSSL_init_crypto":          &l.initCrypto,
		"OpenSSL_version":              &l.openSSLVersion,
	} {
		address, err := lookUp(handle, name)
		if err != nil {
			return fmt.Errorf("keyop: libcrypto has no function %s; OpenSSL 3.0 or later is needed: %w", name, err)
		}
		purego.RegisterFunc(function, address)
	}
	return nil
}

func (l *libcrypto) Name() string { return "libcrypto (" + l.version + ")" }

func (l *libcrypto) NewKey(k *rsa.PrivateKey) (Key, error) {
	return newKey(k, func(k *rsa.PrivateKey) (operation, error) {
		der := secret.Bytes(x509.MarshalPKCS1PrivateKey(k))
		defer der.Wipe()
		return l.load(der, k.Size())
	})
}

// load makes an operation from a PKCS#1 RSAPrivateKey with a modulus of size
// bytes.
func (l *libcrypto) load(der []byte, size int) (operation, error) {
	key, err := l.parse(der, l.d2iRSAPrivateKey, "d2i_RSAPrivateKey")
	if err != nil {
		return nil, err
	}
	return &rsaKey{lib: l, key: key, size: size}, nil
}

// parse makes a key of libcrypto from its DER, with the function that has a name.
func (l *libcrypto) parse(der []byte, d2i func(key uintptr, der **byte, length int) uintptr, name string) (uintptr, error) {
	runtime.LockOSThread() // the error queue belongs to the thread
	defer runtime.UnlockOSThread()
	var pinner runtime.Pinner
	defer pinner.Unpin()
	cursor := &der[0] // libcrypto moves it to the end of what it has read
	pinner.Pin(cursor)
	pinner.Pin(&cursor)
	key := d2i(0, &cursor, len(der))
	if key == 0 {
		return 0, l.failure(name)
	}
	return key, nil
}

// failure returns the oldest error of this thread's queue and empties it.
func (l *libcrypto) failure(function string) error {
	text := make([]byte, 256)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&text[0])
	l.errString(l.errGet(), &text[0], uintptr(len(text)))
	l.errClear()
	reason, _, _ := strings.Cut(string(text), "\x00")
	return fmt.Errorf("keyop: libcrypto: %s failed: %s", function, reason)
}

// rsaKey is an RSA of libcrypto, which serves several threads at once. An EVP_PKEY with a
// context for each operation takes microseconds more, and does nothing else.
type rsaKey struct {
	lib  *libcrypto
	key  uintptr
	size int // of the modulus, in bytes
}

func (k *rsaKey) private(in []byte) ([]byte, error) {
	return k.raise(in, k.lib.rsaPrivate, "RSA_private_decrypt")
}

func (k *rsaKey) public(out []byte) ([]byte, error) {
	return k.raise(out, k.lib.rsaPublic, "RSA_public_encrypt")
}

func (k *rsaKey) raise(in []byte, operation func(int32, *byte, *byte, uintptr, int32) int32, name string) ([]byte, error) {
	runtime.LockOSThread() // the error queue belongs to the thread
	defer runtime.UnlockOSThread()
	out := make([]byte, k.size)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&in[0])
	pinner.Pin(&out[0])
	if operation(int32(len(in)), &in[0], &out[0], k.key, rsaNoPadding) != int32(k.size) {
		return nil, k.lib.failure(name)
	}
	return out, nil
}

// wipe frees the key; libcrypto overwrites private numbers when it does.
func (k *rsaKey) wipe() { k.lib.rsaFree(k.key) }
