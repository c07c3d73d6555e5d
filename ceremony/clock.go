package ceremony

import (
	"context"
	"time"

	"conclave/ceremony/step"
	"conclave/ceremony/watch"
)

// timeByWatch is what a witness has read from a watch, as facts have it.
type timeByWatch struct {
	text, clock string
	ahead       int
}

// readWatch asks for the time by a watch. The clock is not shown before: whoever sees
// it need not look at the watch. If the two are far apart, that is an exception.
func (p *proceedings) readWatch(ctx context.Context) (timeByWatch, error) {
	who := p.Plan.Who(step.Witness)
	for {
		text, err := p.people.words(ctx, who, "Time by the watch, such as 14:05, 2:05 pm or 14:05 CET", p.Now().UTC().Format("15:04 UTC"))
		if err != nil {
			return timeByWatch{}, err
		}
		clock := p.Now()
		read, err := watch.Read(text, clock)
		if err != nil {
			p.people.Tell(err.Error() + ".")
			continue
		}
		p.people.Tell(read.Time.Format("15:04:05 MST") + " by the watch, " + read.Time.Add(-read.Ahead).Format("15:04:05 MST") + " by the computer: " + read.String() + ".")
		if p.log.facts.Schema < 3 { // transcripts of earlier releases do not say more
			return timeByWatch{text: text}, nil
		}
		noted := timeByWatch{text, clock.Format(time.RFC3339), int(read.Ahead / time.Second)}
		if !read.Apart() {
			return noted, nil
		}
		so, err := p.people.yes(ctx, who, "Is that so? It becomes an exception; after a no the time is asked for again, also if the clock is set now")
		if err != nil {
			return timeByWatch{}, err
		}
		if so {
			return noted, p.log.noteException(who, read.String(), step.ExceptionFacts{Ahead: noted.ahead})
		}
	}
}
