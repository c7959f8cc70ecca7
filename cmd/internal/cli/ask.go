package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// ask a question. Only y or yes is a yes; no answer is a no, and so is the end of the input.
func (c *cli) ask(ctx context.Context, w io.Writer, question string) (bool, error) {
	fmt.Fprint(w, question)
	text, err := c.answer(ctx)
	if _, echoes := terminalOf(c.Stdin); !echoes || !strings.HasSuffix(text, "\n") {
		fmt.Fprintln(w)
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "y", "yes":
		return true, err
	}
	return false, err
}

// answer is the line that the user writes; an interrupt ends the wait for it.
func (c *cli) answer(ctx context.Context) (string, error) {
	ctx, cancel := c.gentle(ctx)
	defer cancel()
	if c.lines == nil {
		c.lines = bufio.NewReader(c.Stdin)
	}
	got := make(chan string, 1)
	go func() {
		text, _ := c.lines.ReadString('\n') // what ends without a line is no yes
		got <- text
	}()
	select {
	case text := <-got:
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
