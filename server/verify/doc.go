// Package verify checks, as a client, that the proxies between it and a Roomcast server pass on
// everything that clients need.
package verify
