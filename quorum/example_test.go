package quorum_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"strings"

	"conclave/quorum"
)

func Example() {
	set, err := quorum.Draw(rand.Reader, quorum.Scheme{Threshold: 2, Total: 3, Strength: quorum.Strength128})
	if err != nil {
		log.Fatal(err)
	}
	defer set.Wipe()
	// dkek.EncryptShare makes the share file, under set.Password. Each custodian
	// keeps the code of a sheet. Years later, two of them type it:
	var entry quorum.Entry
	defer entry.Wipe()
	for _, kept := range []quorum.Sheet{set.Shares[2].Sheet(), set.Shares[0].Sheet()} {
		share, err := quorum.ParseCode(kept.Code)
		if err != nil {
			log.Fatal(err)
		}
		if err := entry.Add(context.Background(), share); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("custodian %s; complete: %t\n", share.ID, entry.Complete())
	}
	// Open would try these on the share file.
	candidates, err := quorum.Candidates(entry.Shares())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the password came back:", candidates[0].Password.Equal(set.Password))
	// Output:
	// custodian 3; complete: false
	// custodian 1; complete: true
	// the password came back: true
}

// A mistake in a code is found, and what it should be; the custodian decides.
func ExampleParseCode() {
	const typed = "LZVX QGPS XRQJ VV0N NJ8W 92H3 66SM 84G0 R54N AHC6 LGTD 3LF3"
	share, err := quorum.ParseCode(typed)
	var doubt *quorum.Doubt
	if errors.As(err, &doubt) {
		fmt.Println(doubt.Question)
		share, err = doubt.Share, nil // the custodian has said yes
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("share %s of set %s, which needs %d of %d\n", share.ID, share.Set, share.Threshold, share.Total)
	// Output:
	// character 3 of group 3 should be L?
	// share 3 of set LZVX, which needs 2 of 3
}

// Sheets as sc-hsm-tool prints them have no code, so that a wrong one is noticed
// only if there are more than the threshold.
func ExampleReadSheets() {
	sheets, err := quorum.ReadSheets(strings.NewReader(`
		Prime       : dc:5f:8e:b5:1a:19:87:ff
		Share ID    : 1
		Share value : 59:4a:ea:80:e0:e9:9b:8e
		Share ID    : 2
		Share value : 9c:95:b7:e2:b3:92:fc:e3
		Share ID    : 4
		Share value : 46:cb:c3:f1:3e:cc:37:8e
	`))
	if err != nil {
		log.Fatal(err)
	}
	var shares []quorum.CustodianShare
	for _, sheet := range sheets {
		share, err := sheet.Read()
		if err != nil {
			log.Fatal(err)
		}
		shares = append(shares, share)
	}
	fmt.Println(shares) // values are never shown
	fmt.Printf("%d shares agree that %d are needed\n", len(shares), quorum.Threshold(shares))
	// Output:
	// [share 1 [redacted] share 2 [redacted] share 4 [redacted]]
	// 3 shares agree that 2 are needed
}
