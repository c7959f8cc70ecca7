// Package kind has the kinds of error that compose-go tells apart.
package kind

import (
	"math/big"

	"golang.org/x/text/message"
)

type kind struct{}

func (kind) LocalizedString(*message.Printer) string { return "" }

type (
	Type struct {
		kind
		Want []string
	}
	Minimum struct {
		kind
		Want *big.Rat
	}
	Maximum struct {
		kind
		Want *big.Rat
	}
	AdditionalProperties struct{ kind }
)
