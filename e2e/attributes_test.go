package e2e

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestAttributes runs the scripts of testdata/attributes: a service has what the Compose file says, as the engine itself shows it; then there
// is nothing left to do; and what is changed in the file the plan names. Most containers are only created: not every machine can start them.
func TestAttributes(t *testing.T) {
	needEngine(t)
	if engine.Podman {
		t.Skip("Podman shows most attributes in another form than it was given them (docs/engines.md)")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/attributes", Setup: setup, Cmds: commands, Condition: condition,
		UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
	})
}
