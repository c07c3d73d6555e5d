package custody

import (
	"fmt"
	"strings"
	"testing"

	"conclave/dkek"
	"conclave/internal/faultdisk"
)

// TestJournalOutlivesTheDisk notes shares on a disk that loses power, and on one that
// fails.
func TestJournalOutlivesTheDisk(t *testing.T) { JournalOrders().Run(t) }

// JournalOrders are to note shares, each called by its number, and to forget
// them.
func JournalOrders() faultdisk.Orders {
	const forget, device = "forget", 255 // shares: no line is one too many
	imported := func(dir string) (*Journal, error) { return OpenJournal(dir+"/new/imports", "ZZ1", device) }
	return faultdisk.Orders{
		All: []string{"1", "2", forget, "3"},
		Do: func(dir, order string) error {
			j, err := imported(dir)
			if err != nil {
				return err
			}
			if order == forget {
				return j.Clear()
			}
			content := append([]byte("Salted__"), make([]byte, 56)...)
			content[20] = order[0]
			file, err := dkek.ParseShareFile(content)
			if err != nil {
				return err
			}
			return j.Add(order, file, dkek.KCV{order[0]})
		},
		Look: func(dir string) (string, error) {
			j, err := imported(dir)
			if err != nil {
				return "", err
			}
			return fmt.Sprint("shares ", strings.Join(j.Imported(), " ")), nil
		},
	}
}
