package repair

// Limit leaves out each stage that would make more than so many candidates with
// those before it, for a search that someone waits for. The first stage stays.
func (p *Plan) Limit(candidates int) {
	limited := Plan{Consistent: p.Consistent}
	for i, s := range p.Stages {
		if i == 0 || limited.Total()+s.Candidates <= candidates {
			limited.add(s.Name, s.Candidates, p.sources[i])
		}
	}
	*p = limited
}
