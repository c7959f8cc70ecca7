package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/tutti-run/tutti/compose/load"
)

// consent asks whether files that are from elsewhere may do what they ask for, unless somebody has said so before. A command that
// runs what the files say for the first time asks it; one that only looks does not.
func (c *cli) consent(ctx context.Context, res load.Result, yes bool) error {
	if c.g.dryRun {
		return nil
	}
	claims, err := res.Claims(ctx)
	if err != nil || len(claims) == 0 {
		return err
	}
	if !yes {
		if err := c.askFor(ctx, claims); err != nil {
			return err
		}
	}
	return res.Accept(claims)
}

func (c *cli) askFor(ctx context.Context, claims []load.Claim) error {
	c.tell("Files from elsewhere ask for what is outside of their containers:")
	for _, claim := range claims {
		c.tell(fmt.Sprintf("  %s: %s", claim.Place, claim.Text))
	}
	if _, ok := terminalOf(c.Stdin); !ok {
		return usageError{text: "nobody can be asked whether that is right: the input is no terminal", hint: "if it is, say --yes"}
	}
	yes, err := c.ask(ctx, c.status(), "Do you want to continue? [y/N]: ")
	if err == nil && !yes {
		err = errors.New("operation cancelled by user")
	}
	return err
}
