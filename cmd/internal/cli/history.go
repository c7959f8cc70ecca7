package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
)

// historyOptions of history.
type historyOptions struct {
	*cli
	revision    int // 0: all
	quiet, file bool
}

func (c *cli) history() *cobra.Command {
	o := &historyOptions{cli: c}
	cmd := &cobra.Command{
		Use: "history [OPTIONS] [REVISION]", Short: "List the revisions of the project, or show one: what rollback goes back to",
		Long: "List the revisions of the project, or show one: what rollback goes back to. Each change that succeeds is one. The last ten are kept\n" +
			"in the engine as image tutti-history:PROJECT; TUTTI_HISTORY=N keeps another number, 0 none.",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.revision, err = revision("history", args); err != nil {
				return err
			}
			if o.file && o.revision == 0 {
				return usagef("--file needs a revision")
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&c.json, "json", false, "print JSON")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "numbers only")
	fs.BoolVar(&o.file, "file", false, "print the file of the revision, as it was resolved; what looks secret is masked")
	return cmd
}

func (o *historyOptions) run(ctx context.Context) error {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	name, err := o.projectName(ctx)
	if err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	past, err := t.History(ctx, name)
	if err != nil {
		return err
	}
	return o.show(name, past)
}

func (o *historyOptions) show(project string, past compose.Past) error {
	switch {
	case o.revision != 0:
		return o.showOne(project, past)
	case o.quiet:
		return render.Revisions(o.Stdout, past)
	case o.json:
		return render.HistoryJSON(o.Stdout, past)
	}
	return render.History(o.Stdout, past)
}

func (o *historyOptions) showOne(project string, past compose.Past) error {
	r, err := past.Find(project, o.revision)
	switch {
	case err != nil:
		return err
	case o.file:
		text, err := past.MaskedFile(r.Number)
		if err == nil {
			_, err = o.Stdout.Write(text)
		}
		return err
	case o.json:
		return render.RevisionJSON(o.Stdout, past, r)
	}
	return render.Revision(o.Stdout, past, r)
}
