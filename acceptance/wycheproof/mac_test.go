package wycheproof

import (
	"bytes"
	"crypto/aes"

	"conclave/internal/cmac"
)

// cmac is the code that wrapped keys are authenticated with.
func (j *judge) cmac(groups []group) {
	for _, g := range groups {
		for _, v := range g.Tests {
			block, err := aes.NewCipher(v.Key)
			if err != nil {
				j.answer(v, false, false)
				continue
			}
			mac := cmac.Sum(block, v.Msg)
			j.answer(v, bytes.Equal(mac[:], v.Tag), true)
		}
	}
}
