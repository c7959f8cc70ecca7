package convert

import (
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/desired"
)

func watchRules(d *types.DevelopConfig) []desired.WatchRule {
	if d == nil {
		return nil
	}
	var out []desired.WatchRule
	for _, t := range d.Watch {
		r := desired.WatchRule{Action: desired.WatchAction(t.Action), Path: filepath.Clean(t.Path), Target: t.Target, Include: t.Include, Ignore: t.Ignore, InitialSync: t.InitialSync}
		if r.Action == desired.SyncExec {
			r.Exec = hooks([]types.ServiceHook{t.Exec})[0]
		}
		out = append(out, r)
	}
	return out
}
