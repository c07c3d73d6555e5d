package card

// LimitLog gives the card's log other limits than the usual ones.
func (c *Card) LimitLog(keep, drop, unsigned, unsealed int64) {
	c.limits = logLimits{keep: keep, drop: drop, unsigned: unsigned, unsealed: unsealed}
}
