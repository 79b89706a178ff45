package adminui

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

// The cost of a hash: below the first a stolen hash is guessed too fast, above the second one attempt
// takes seconds of processor time.
const (
	minCost = 10
	maxCost = 14
)

// CheckHash returns an error if text is not the bcrypt hash of a password with a cost from 10 to 14.
// The error does not have text in it.
func CheckHash(text string) error {
	cost, err := bcrypt.Cost([]byte(text))
	if err != nil || len(text) != 60 {
		return errors.New("a bcrypt hash of 60 characters, not the password itself")
	}
	if cost < minCost || cost > maxCost {
		return fmt.Errorf("a bcrypt hash with a cost from %d to %d, not %d", minCost, maxCost, cost)
	}
	return nil
}
