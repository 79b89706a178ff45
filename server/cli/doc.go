// Package cli has the commands other than serve.
package cli
