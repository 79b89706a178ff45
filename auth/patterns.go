package auth

// patterns are channel names in which `*` matches any run of characters, also an empty one:
// `orders`, `team-*`, `*-alerts`, `eu-*-orders`, `*`. All other characters match themselves. There
// is no escape: a channel name may contain a star, which the star of a pattern matches.
type patterns []string

func (p patterns) match(channel string) bool {
	for _, pattern := range p {
		if matches(pattern, channel) {
			return true
		}
	}
	return false
}

// matches walks both strings once and returns to the last star only, so its work is at most the
// product of their lengths.
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
