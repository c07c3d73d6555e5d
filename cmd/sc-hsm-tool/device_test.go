//go:build linux

package main

import (
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"

	"conclave/device"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/wire"
)

// deviceCommand prepares the embedded devices of the scripts, and looks at
// them:
//
//	device NAME create
//	device NAME share HEX     imports a DKEK share
//	device NAME key REF       generates an EC key
//	device NAME public REF    prints the public key of a key
//	device NAME delete FID    deletes a file
func deviceCommand(args []string) error {
	home, err := device.DefaultHome()
	if err != nil {
		return err
	}
	name, action := args[0], args[1]
	if action == "create" {
		_, err := home.Create(name)
		return err
	}
	conn, err := home.Open(name)
	if err != nil {
		return err
	}
	defer conn.Close()
	h, err := hsm.Open(conn)
	if err != nil {
		return err
	}
	switch action {
	case "share":
		return importRaw(h, args[2])
	case "key":
		return generate(h, args[2])
	case "public":
		return showPublic(h, args[2])
	case "delete":
		return deleteFile(h, args[2])
	}
	return fmt.Errorf("%s is not an action", action)
}

func importRaw(h *hsm.HSM, text string) error {
	share, err := hex.DecodeString(text)
	if err != nil {
		return err
	}
	_, err = h.ImportShare(share)
	return err
}

func generate(h *hsm.HSM, text string) error {
	ref, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	if err := h.Login(wire.UserPIN, secret.Bytes(userPIN)); err != nil {
		return err
	}
	p256, err := curve.ByName("secp256r1")
	if err != nil {
		return err
	}
	_, _, err = h.GenerateKey(hsm.NewKey{Ref: byte(ref), Key: wire.ECTemplate(p256), Label: "Key " + text})
	return err
}

func showPublic(h *hsm.HSM, text string) error {
	ref, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	key, err := h.PublicKey(byte(ref))
	if err != nil {
		return err
	}
	der, err := key.SPKI()
	if err != nil {
		return err
	}
	return pem.Encode(os.Stdout, &pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func deleteFile(h *hsm.HSM, text string) error {
	fid, err := strconv.ParseUint(text, 16, 16)
	if err != nil {
		return err
	}
	if err := h.Login(wire.UserPIN, secret.Bytes(userPIN)); err != nil {
		return err
	}
	return h.DeleteFile(wire.FID(fid))
}
