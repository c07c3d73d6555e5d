package card

import (
	"crypto/rand"

	"conclave/apdu"
)

// maxChallenge is the most random bytes that one GET CHALLENGE brings.
const maxChallenge = 1024

// getChallenge is GET CHALLENGE (ISO 7816-4 section 11.6.3): random bytes, as
// many as the host expects.
func (c *Card) getChallenge(cmd apdu.Command) ([]byte, error) {
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return nil, apdu.WrongP1P2
	}
	if cmd.Ne == 0 || cmd.Ne > maxChallenge {
		return nil, apdu.WrongLength
	}
	random := make([]byte, cmd.Ne)
	rand.Read(random)
	return random, nil
}
