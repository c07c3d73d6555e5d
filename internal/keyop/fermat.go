package keyop

import (
	"crypto/rand"
	"crypto/rsa"
	"runtime"

	"conclave/internal/secret"
)

// GenerateKey has libcrypto throw the composites away, two at a time, for which it has
// a function that takes the time of one where the processor has AVX-512. Its own
// RSA_generate_key does not use that, tests each prime 64 times and more, and looks for
// one after the other. A build that erases what it has computed with must not call it
// where primes are.
func (l *libcrypto) GenerateKey(bits int) (*rsa.PrivateKey, error) {
	if secret.Erased {
		return Go().GenerateKey(bits)
	}
	return generate(bits, func() (filter, error) { return l.newFermat(bits / 16) })
}

// fermat is Fermat's test to a random base, which composites fail and no prime does.
type fermat struct {
	lib       *libcrypto
	ctx, base uintptr
	powers    [2]power
}

// power has the BIGNUMs of base^exponent modulo number.
type power struct{ number, exponent, residue uintptr }

// newFermat is for numbers of so many bytes. The base is as long, since that is what
// the function for two powers is quick for.
func (l *libcrypto) newFermat(size int) (filter, error) {
	base := make([]byte, size)
	rand.Read(base)
	base[0] = base[0]&0x3F | 0x40 // less than all numbers, which begin with two ones
	runtime.LockOSThread()        // the error queue belongs to the thread
	defer runtime.UnlockOSThread()
	f := &fermat{lib: l, ctx: l.bnCtxNew(), base: l.bnNew()}
	ok := f.ctx != 0 && f.base != 0 && l.setBytes(f.base, base)
	for i := range f.powers {
		p := power{l.bnNew(), l.bnNew(), l.bnNew()}
		ok = ok && p.number != 0 && p.exponent != 0 && p.residue != 0
		f.powers[i] = p
	}
	if !ok {
		defer f.close()
		return nil, l.failure("BN_new")
	}
	return f, nil
}

// mayBePrimes says so too where libcrypto fails: Go tests what it lets through.
func (f *fermat) mayBePrimes(numbers [2]secret.Bytes) [2]bool {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l, a, b := f.lib, f.powers[0], f.powers[1]
	ok := l.set(a, numbers[0]) && l.set(b, numbers[1]) && l.bnModExp2(
		a.residue, f.base, a.exponent, a.number, 0,
		b.residue, f.base, b.exponent, b.number, 0, f.ctx) == 1
	if !ok {
		l.errClear()
		return [2]bool{true, true}
	}
	return [2]bool{l.bnIsWord(a.residue, 1) == 1, l.bnIsWord(b.residue, 1) == 1}
}

// set takes an odd number, and that less one as the exponent.
func (l *libcrypto) set(p power, number secret.Bytes) bool {
	less := number.Clone()
	defer less.Wipe()
	less[len(less)-1]--
	return l.setBytes(p.number, number) && l.setBytes(p.exponent, less)
}

func (l *libcrypto) setBytes(n uintptr, value []byte) bool {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&value[0])
	return l.bnBin2bn(&value[0], int32(len(value)), n) != 0
}

// close overwrites what may be a prime.
func (f *fermat) close() {
	for _, p := range f.powers {
		f.lib.bnClearFree(p.number)
		f.lib.bnClearFree(p.exponent)
		f.lib.bnClearFree(p.residue)
	}
	f.lib.bnClearFree(f.base)
	f.lib.bnCtxFree(f.ctx)
}
