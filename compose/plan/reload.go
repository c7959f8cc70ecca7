package plan

import (
	"bytes"
	"slices"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
)

// reload of a config or secret whose content a container does not have, in place.
type reload struct {
	file container.File
	was  []byte // what it has
	here bool   // it has one
	why  Reason
}

// judgeContents takes out of what asks for a new container the contents that can be had in place. What a container was made with does not say what
// it has by now, so what was read in it decides.
func (r *replica) judgeContents(changes []field.Change) []field.Change {
	paths := r.Spec.FilePaths()
	for i, f := range r.Spec.Files {
		if f.OnChange == "" {
			continue
		}
		changes = slices.DeleteFunc(changes, func(c field.Change) bool { return c.Path == paths[i]+".content" })
		if was, here := r.live.Contents[f.Target]; !here || !bytes.Equal(was, f.Content) {
			r.reload = append(r.reload, reload{f, was, here, ContentChanged{f.Kind, f.Source, r.Spec.Origin[f.Kind+"s."+f.Source+".content"]}})
		}
	}
	return changes
}

// reloadNode signals a container that runs, and goes on running.
func (b *builder) reloadNode(r *replica) Node {
	step := ReloadContainer{Container: r.ref()}
	var why []Reason
	for _, c := range r.reload {
		why = append(why, c.why)
		step.Files = append(step.Files, c.file)
		if c.here {
			was := c.file
			was.Content, was.Digest = c.was, ""
			step.Was = append(step.Was, was)
		}
		if signal := c.file.OnChange; r.live.Up() && len(r.restart) == 0 && !slices.Contains(step.Signals, signal) {
			step.Signals = append(step.Signals, signal)
		}
	}
	return r.node("reload", step, why, b.checks...)
}
