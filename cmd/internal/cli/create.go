package cli

import "github.com/spf13/cobra"

// create is up --no-start.
func (c *cli) create_() *cobra.Command {
	o := &upOptions{cli: c}
	cmd := &cobra.Command{
		Use: "create [OPTIONS] [SERVICE...]", Short: "Create what the file asks for, and start nothing",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.services, o.noStart = args, true
			if err := o.check(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flagsOfCreate(cmd.Flags())
	c.noWaitFlag(cmd.Flags())
	return cmd
}
