package auth

// patterns are channel names in which `*` stands for any run of characters, the empty one included: `orders`,
// `team-*`, `*-alerts`, `eu-*-orders`, `*`. Everything else stands for itself; there is no escape, because a
// channel may contain a star but need not be told apart from others by it.
type patterns []string

func (p patterns) match(channel string) bool {
	for _, pattern := range p {
		if matches(pattern, channel) {
			return true
		}
	}
	return false
}

// matches walks both strings once and goes back to the last star only, so its work is bounded by the product of
// their lengths whatever the pattern is.
func matches(pattern, s string) bool {
	star, resume := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			resume++
			p, i = star+1, resume
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
