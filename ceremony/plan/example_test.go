package plan_test

import (
	"fmt"
	"log"
	"os"
	"time"

	"conclave/ceremony/plan"
)

// Two people let the root sign its yearly CRL.
func Example() {
	p, err := plan.Parse([]byte(`{
		"format": "conclave plan 1",
		"ceremony": "CRL of 2027",
		"start": "2027-10-18T09:00:00Z",
		"people": {"administrator": "Ada", "witnesses": ["Wim"]},
		"devices": [{"name": "primary", "serial": "DENK0404144"}],
		"register": "register.sqlite",
		"certificates": [{"name": "root", "file": "root.pem", "device": "primary"}],
		"crls": [{
			"name": "root-crl-2", "issuer": "root",
			"thisUpdate": "2027-10-18T00:00:00Z", "nextUpdate": "2028-11-01T00:00:00Z"
		}],
		"retention": {"years": 25, "drillMonths": 12}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	if err := p.Check(); err != nil {
		log.Fatal(err)
	}
	for _, date := range p.Schedule() {
		fmt.Println(date.Day.Format(time.DateOnly), date.What)
	}
	// Output:
	// 2028-11-01 CRL of 2027: next CRL of root
	// 2052-10-18 CRL of 2027: end of retention
}

// All mistakes are reported at once, each with its field.
func ExamplePlan_Check() {
	p, err := plan.Parse([]byte(`{
		"format": "conclave plan 1",
		"ceremony": "CRL of 2027",
		"start": "2027-10-18T09:00:00Z",
		"people": {"administrator": "Ada", "witnesses": ["Ada"]},
		"devices": [{"name": "primary"}],
		"retention": {"years": 25, "drillMonths": 12}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Check())
	// Output:
	// people.witnesses[0]: Ada is people.administrator already; no one can have two roles, and two people of the same name need something that tells them apart
	// devices[0].serial: it is missing; a card in a reader is known by its serial number, which conclave hsm status shows
}

// offlineRoot is the plan of a root: any three of five custodians bring its key back.
func offlineRoot() *plan.Plan {
	content, err := os.ReadFile("../../examples/offline-root/plan.json")
	if err != nil {
		log.Fatal(err)
	}
	p, err := plan.Parse(content)
	if err != nil {
		log.Fatal(err)
	}
	return p
}

// A rehearsal has its own plan, and names that cannot be taken for real ones.
func ExamplePlan_Rehearsal() {
	rehearsal, err := offlineRoot().Rehearsal()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rehearsal.Ceremony)
	fmt.Println(rehearsal.FindCertificate("root").Subject)
	// Output:
	// PRACTICE Example Root CA key ceremony
	// CN=PRACTICE Example Root CA,O=PRACTICE Example Ltd,C=CH
}

// A year later it is checked that custody still holds.
func ExamplePlan_DrillOf() {
	p := offlineRoot()
	// What was written down at the ceremony: its closing, and the bags.
	held := plan.Sequel{Closing: "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"}
	for i, thing := range p.Bags() {
		held.Bags = append(held.Bags, plan.Bag{Thing: thing, Number: fmt.Sprint(1001 + i)})
	}
	drill := p.DrillOf(held, p.Start.AddDate(1, 0, 0))
	if err := drill.Check(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(drill.Ceremony)
	fmt.Println("the backup is in bag", drill.Drill.Number(plan.Media))
	// Output:
	// Example Root CA key ceremony: drill of 2027-11-01
	// the backup is in bag 1003
}
