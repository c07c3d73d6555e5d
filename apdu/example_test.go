package apdu_test

import (
	"fmt"
	"log"

	"conclave/apdu"
)

// A card that knows one command, and a host that asks it.
func Example() {
	const readBinary, deleteFile = 0xB0, 0xE4
	card := &apdu.Responder{Handler: func(c apdu.Command) ([]byte, error) {
		if c.INS != readBinary {
			return nil, apdu.InstructionUnknown // a refusal
		}
		return []byte("what is in the file"), nil
	}}
	for _, ins := range []byte{readBinary, deleteFile} {
		response, err := apdu.Exchange(card, apdu.Command{INS: ins, Ne: apdu.MaxShortNe})
		if err != nil {
			log.Fatal(err) // the link is broken; a refusal is in the status word
		}
		fmt.Printf("%q, %v\n", response.Data, response.SW)
	}
	// Output:
	// "what is in the file", success (SW 9000)
	// "", instruction not supported (SW 6D00)
}
