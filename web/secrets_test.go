package web_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"conclave/ceremony"
	"conclave/custody"
	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/quorum"
)

// TestNothingSecretIsShown holds a whole ceremony, and a whole rehearsal with all that can
// go wrong in one, and searches every byte that the wall sends: the page at each moment,
// and the stream from the first to the last.
func TestNothingSecretIsShown(t *testing.T) {
	for _, practice := range []bool{false, true} {
		t.Run(fmt.Sprintf("practice=%t", practice), func(t *testing.T) {
			t.Parallel()
			c := newCeremony(t, practice)
			w := open(t, c.Plan)
			url, client := place(w), browser(t)
			var sent bytes.Buffer
			sent.WriteString(received(t, client, w.URL()))
			streamed := follow(t, client, url+"events")
			players := c.Room
			people := &audience{Room: players, secrets: map[string]string{}, look: func(m moment) {
				page := received(t, client, url)
				sent.WriteString(page)
				if m.visitor != "" && (!strings.Contains(page, "Look away") || strings.Contains(page, m.step.Title)) {
					t.Errorf("%s: while %s is alone at the screen the page is\n%s", m.step.ID, m.visitor, page)
				}
			}}
			c.Room = people
			hold(t, c, w)
			sent.Write(<-streamed)
			addDKEK(t, c, players, people.secrets)
			all := bare(sent.String())
			if len(people.secrets) < 20 {
				t.Errorf("only %d secrets: %v", len(people.secrets), slices.Collect(maps.Keys(people.secrets)))
			}
			for what, secret := range people.secrets {
				if where := spelled(all, secret); where != "" {
					t.Errorf("%s is shown: %s", what, where)
				}
			}
			shownInPublic(t, sent.String(), c)
		})
	}
}

// received is every byte of an answer.
func received(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	r, body := request(t, client, "GET", address)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", address, r.Status)
	}
	var head bytes.Buffer
	r.Header.Write(&head)
	return head.String() + body
}

// follow gives all that a stream has sent, when it ends.
func follow(t *testing.T, client *http.Client, address string) <-chan []byte {
	t.Helper()
	r, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan []byte, 1)
	go func() {
		defer r.Body.Close()
		content, _ := io.ReadAll(r.Body)
		all <- content
	}()
	return all
}

// addDKEK opens the share file of a ceremony, for what is in it.
func addDKEK(t *testing.T, c ceremony.Ceremony, people custody.Custodians, secrets map[string]string) {
	t.Helper()
	path := filepath.Join(c.Dir.Backup(), "dkek.pbe")
	file, err := custody.ReadShareFile(path)
	if err != nil {
		t.Fatal(err)
	}
	records, err := custody.Records(path, file)
	if err != nil {
		t.Fatal(err)
	}
	turns := custody.Turns(c.Plan.Custody.Threshold)
	for i := range turns {
		turns[i].Custodian = i + 1
	}
	opened, err := custody.Opening{
		File: file, Collection: &custody.Collection{Entry: &quorum.Entry{Records: records}, Custodians: people, Expected: turns},
	}.Run(dkektest.Practising(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	sealed, _, err := custody.ReadSealedPIN(filepath.Join(c.Dir.Backup(), "so-pin-primary.sealed"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := dkek.New(opened.Share)
	if err != nil {
		t.Fatal(err)
	}
	pin, err := sealed.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string][]byte{"the DKEK": opened.Share, "the password": opened.Password, "the sealed SO-PIN": pin} {
		secrets[what+" in hexadecimal"] = hex.EncodeToString(secret)
		secrets[what+" in Base64"] = base64.RawStdEncoding.EncodeToString(secret)
	}
}

// window is how many characters of a secret in a row are too many.
const window = 8

// spelled finds a part of a secret in a bare text, whatever stood between its characters,
// in capitals or not.
func spelled(text, secret string) string {
	secret = bare(secret)
	for i := 0; i <= max(0, len(secret)-window); i++ {
		if part := secret[i:min(len(secret), i+window)]; strings.Contains(text, part) {
			return part
		}
	}
	return ""
}

// bare is a text without what people put between groups.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, html.UnescapeString(text))
}

// TestSpelled: the search finds what it is for.
func TestSpelled(t *testing.T) {
	for text, secret := range map[string]string{
		"<b>2xqp-9zzt</b>": "K7QM 2XQP 9ZZT", "PIN: 648219.": "648219", "0a 0B&nbsp;0c:0d0e": "00:0a:0b:0c:0d:0e", "MDEy&#43;MzQ1Njc": "MDEy+MzQ1Njc4OQ",
	} {
		if spelled(bare(text), secret) == "" {
			t.Errorf("%q is not found in %q", secret, text)
		}
	}
	if found := spelled(bare("K7QM and 2XQP and 64821"), "K7QM 2XQP 9ZZT"); found != "" {
		t.Errorf("%q is found where it is not", found)
	}
}

// shownInPublic wants what all may know to have been shown: a page without anything would
// hold no secret either.
func shownInPublic(t *testing.T, sent string, c ceremony.Ceremony) {
	t.Helper()
	steps := c.Plan.Steps()
	wanted := []string{"Read aloud: ", "types: ", "is alone at the screen", "Exceptions <b>none</b>", "Exceptions <b>1</b>", "The ceremony is closed."}
	for i, s := range steps {
		wanted = append(wanted, s.Title, fmt.Sprintf("Step <b>%d</b> of %d", i+1, len(steps)))
	}
	for _, name := range append(c.Plan.People.Custodians, c.Plan.People.Administrator, c.Plan.Who("witness")) {
		wanted = append(wanted, `<p class="who">`+name)
	}
	for _, want := range wanted {
		if !strings.Contains(sent, want) {
			t.Errorf("%q was never shown", want)
		}
	}
}
