package convert

import (
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/desired"
)

// deploy reads what the deploy section says of changes.
func deploy(out *desired.Service, d *types.DeployConfig) {
	if d == nil {
		return
	}
	out.Update, out.Rollback = rollout(d.UpdateConfig), rollout(d.RollbackConfig)
	if p := d.RestartPolicy; p != nil {
		out.RestartWindow = span(p.Window)
	}
}

func rollout(u *types.UpdateConfig) *desired.Rollout {
	if u == nil {
		return nil
	}
	out := &desired.Rollout{
		Parallelism: 1, Delay: span(&u.Delay), FailureAction: u.FailureAction, Monitor: span(&u.Monitor),
		MaxFailureRatio: exact(u.MaxFailureRatio), Order: u.Order,
	}
	if u.Parallelism != nil {
		out.Parallelism = int(*u.Parallelism)
	}
	return out
}

// exact is the number that was written: 0.1, where float64 would make 0.10000000149 of it.
func exact(f float32) float64 {
	out, _ := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64) // it was just written
	return out
}
