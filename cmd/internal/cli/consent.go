package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

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
	in, ok := c.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usageError{text: "nobody can be asked whether that is right: the input is no terminal", hint: "if it is, say --yes"}
	}
	fmt.Fprint(c.status(), "Do you want to continue? [y/N]: ")
	answer, err := c.line(ctx, in)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))) {
		return errors.New("operation cancelled by user")
	}
	return nil
}

// line that the user writes; an interrupt ends the wait for it.
func (c *cli) line(ctx context.Context, in io.Reader) (string, error) {
	ctx, cancel := c.gentle(ctx)
	defer cancel()
	got := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(in).ReadString('\n') // what ends without a line is no yes
		got <- text
	}()
	select {
	case text := <-got:
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
