package custody

import (
	"context"
	"errors"
	"fmt"

	"conclave/hsm"
	"conclave/internal/safefile"
)

// message is what a rehearsal signs.
const message = "Signed in a rehearsal of Conclave.\n"

func (p *underWay) generate(context.Context) (string, error) {
	ref, request, err := p.hsm.GenerateKey(hsm.NewKey{Key: p.Key, Label: "rehearsal"})
	if err != nil {
		return "", err
	}
	p.ref, p.public = ref, &request.Request.Key
	return fmt.Sprintf("%s at reference %d", hsm.Key{Public: p.public}.Size(), ref), nil
}

func (p *underWay) signFirst(context.Context) (result string, err error) {
	p.signature, err = p.sign(p.ref)
	return "it verifies", err
}

// sign makes a signature, and verifies it with the public key from device 1.
func (p *underWay) sign(ref byte) ([]byte, error) {
	signer, err := p.hsm.Signer(ref)
	if err != nil {
		return nil, err
	}
	signature, err := signer.SignMessage(nil, []byte(message), signer.Options())
	if err != nil {
		return nil, err
	}
	return signature, p.public.VerifyDER([]byte(message), signature)
}

func (p *underWay) wrap(context.Context) (string, error) {
	f, err := p.hsm.WrapKey(p.ref)
	if err != nil {
		return "", err
	}
	content, err := f.Bytes()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes", len(content)), safefile.Create(p.wrapFile(), content)
}

func (p *underWay) destroy(context.Context) (string, error) {
	gone := p.hsm
	p.hsm = nil
	if err := errors.Join(gone.Close(), p.Devices.Delete(firstDevice)); err != nil {
		return "", err
	}
	return "the key is left only in the wrapped file", nil
}

// unwrap restores the key, and compares its public half with the one before.
func (p *underWay) unwrap(context.Context) (string, error) {
	f, err := ReadWrapFile(p.wrapFile())
	if err != nil {
		return "", err
	}
	restored, err := Restore(p.hsm, f.WrapFile, Restoring{Ref: restoredRef})
	if err != nil {
		return "", err
	}
	keys, err := p.hsm.Keys()
	if err != nil {
		return "", err
	}
	if len(keys) != 1 || keys[0].Ref != restoredRef {
		return "", fmt.Errorf("the device lists %d keys; one at reference %d was expected", len(keys), restoredRef)
	}
	if restored.Public == nil || !restored.Public.Equal(*p.public) {
		return "", errors.New("the restored key has a different public key")
	}
	return fmt.Sprintf("%s at reference %d, with the same public key", restored.Size(), restoredRef), nil
}

// checkFirst verifies the old signature with the public key that device 2 shows.
func (p *underWay) checkFirst(context.Context) (string, error) {
	public, err := p.hsm.PublicKey(restoredRef)
	if err != nil {
		return "", err
	}
	return "it verifies with the public key on device 2", public.VerifyDER([]byte(message), p.signature)
}

func (p *underWay) signAgain(context.Context) (string, error) {
	_, err := p.sign(restoredRef)
	return "it verifies with the public key from device 1", err
}
