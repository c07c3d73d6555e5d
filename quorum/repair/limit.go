package repair

// Limit drops the stages that begin after so many candidates: those whose
// mistakes are too unlikely for a search that someone waits for. The first
// stage stays.
func (p *Plan) Limit(candidates int) {
	total := 0
	for i, s := range p.Stages {
		if i > 0 && total+s.Candidates > candidates {
			p.Stages, p.sources = p.Stages[:i], p.sources[:i]
			return
		}
		total += s.Candidates
	}
}
