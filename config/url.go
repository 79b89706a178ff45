package config

import "github.com/roomcast/roomcast/server/hooks"

// URL is the address of another server. Its user and its query can be secret, so its text does not
// have them: convert it to a string to get all of it.
type URL string

// String returns the URL without its user and its query.
func (u URL) String() string { return hooks.ShowURL(string(u)) }

// texts returns the whole URLs.
func texts(urls []URL) []string {
	all := make([]string, len(urls))
	for i, u := range urls {
		all[i] = string(u)
	}
	return all
}
