package ceremony

import (
	"context"
	"encoding/hex"
	"strings"

	"conclave/ceremony/pgpwords"
	"conclave/ceremony/step"
)

// heard lets a hash be read aloud, and the witness compare it. To type the last
// word they must have listened to the end.
func (p *performance) heard(ctx context.Context, label string, sum []byte) error {
	return p.hear(ctx, p.ask, label, sum)
}

func (p *performance) hear(ctx context.Context, ask func(context.Context, Question) (string, error), label string, sum []byte) error {
	words := pgpwords.Words(sum)
	q := Question{Kind: Heard, Who: p.Plan.Who(step.Witness), Label: label, Sum: sum, Text: "Type the last word that you have heard"}
	for {
		text, err := ask(ctx, q)
		if err != nil || strings.EqualFold(strings.TrimSpace(text), words[len(words)-1]) {
			return err
		}
		p.Room.Tell("That is not the last word. Read all of them once more, slowly.")
	}
}

// hexOf writes a hash in lower-case hexadecimal.
func hexOf(sum [32]byte) string { return hex.EncodeToString(sum[:]) }

// sumOf writes a hash as facts have it.
func sumOf(sum [32]byte) step.Sum { return step.Sum(hexOf(sum)) }
