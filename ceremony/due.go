package ceremony

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"conclave/ca/register"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/internal/safefile"
)

// Due are the days that a ceremony leaves to people, in order: the next drill after
// the last one that is known, the ends of certificates, and those of the newest CRLs
// in its register, or of the planned ones where it has none. Drills are looked for
// where they are held if no one says otherwise.
func (f Folder) Due(ctx context.Context) ([]plan.Date, error) {
	file, err := plan.ReadFile(f.evidence(evidence.PlanFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not the folder of a ceremony that was begun: %w", f, err)
	}
	if err != nil {
		return nil, err
	}
	last, err := f.newest(file.Plan)
	if err != nil {
		return nil, err
	}
	dates := file.Plan.ScheduleAfter(last)
	drill := func(d plan.Date) bool { return about(d, "drill-") }
	dates = slices.CompactFunc(dates, func(a, b plan.Date) bool { return drill(a) && drill(b) }) // the next one
	return f.withCRLs(ctx, dates)
}

// ScheduleFrom are the days that evidence leaves to people, in order: as those of a plan,
// with drills counted from the last one or the last change, the days by which keys must
// be changed, and the CRLs of the register beside the evidence, if it is there. The end is
// that of the last one.
func ScheduleFrom(ctx context.Context, bundle string) (dates []plan.Date, end time.Time, err error) {
	if err := verified(bundle); err != nil {
		return nil, end, err
	}
	chain, _, err := newestChain(bundle)
	if err != nil {
		return nil, end, err
	}
	dates = chain.State.Plan.ScheduleAfter(chain.Last().Plan())
	for n, decided := range chain.State.Decided {
		if day, err := time.Parse(time.DateOnly, decided.ChangeBy); err == nil {
			dates = append(dates, plan.Date{
				ID: fmt.Sprintf("%.12s-change-%d", chain.Links[0].Closing, n+1), What: chain.State.Plan.Ceremony + ": the keys are changed by this day",
				Why: decided.By + " has decided: " + decided.Left, Day: day, Remind: []int{90, 30},
			})
		}
	}
	dates, err = FolderAround(bundle).withCRLs(ctx, dates)
	return dates, chain.Last().Time(), err
}

// withCRLs are dates with those of the newest CRLs in the register in place of the planned
// ones, where there is a register, in order.
func (f Folder) withCRLs(ctx context.Context, dates []plan.Date) ([]plan.Date, error) {
	if safefile.Exists(f.Register()) {
		crls, err := f.nextCRLs(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Register(), err)
		}
		dates = append(slices.DeleteFunc(dates, func(d plan.Date) bool { return about(d, "crl-") }), crls...)
	}
	slices.SortStableFunc(dates, func(a, b plan.Date) int { return a.Day.Compare(b.Day) })
	return dates, nil
}

// about says what a date of a schedule is for: its ID has that after the plan's start.
func about(d plan.Date, what string) bool {
	_, rest, _ := strings.Cut(d.ID, "-")
	return strings.HasPrefix(rest, what)
}

// newest is the plan of the last drill or change that was closed, or that of the ceremony
// itself.
func (f Folder) newest(last *plan.Plan) (*plan.Plan, error) {
	for _, dir := range sequels(f.Evidence()) {
		held, err := plan.ReadFile(dir.evidence(evidence.PlanFile))
		if err != nil {
			return nil, err
		}
		if held.Plan.Start.After(last.Start) {
			last = held.Plan
		}
	}
	return last, nil
}

// nextCRLs are the days on which the newest CRL of each issuer in the register ends.
func (f Folder) nextCRLs(ctx context.Context) (dates []plan.Date, err error) {
	r, err := register.Open(f.Register())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	entries, err := r.Entries(ctx)
	if err != nil {
		return nil, err
	}
	newest, err := register.NewestCRLs(entries)
	if err != nil {
		return nil, err
	}
	for _, issuer := range slices.Sorted(maps.Keys(newest)) {
		crl := newest[issuer]
		dates = append(dates, plan.Date{
			ID: fmt.Sprintf("crl-%v-%.8x", crl.Number, sha256.Sum256(crl.RawIssuer)), What: "next CRL of " + crl.Issuer.String(), Why: "Without it nothing under this issuer is trusted.",
			Day: crl.NextUpdate, Remind: []int{60, 14},
		})
	}
	return dates, nil
}
