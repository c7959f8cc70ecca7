package history

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine"
)

// Archives is what a store needs of an engine.
type Archives interface {
	engine.Archives
	TagImage(ctx context.Context, id, ref string) error
	RemoveImage(ctx context.Context, ref string) error
}

// Store keeps the history of one project in an engine: one image for the history, and one while a change is under way.
type Store struct {
	Engine  Archives
	Project string
}

// Label says of which project a history is. Whoever may list images sees labels, so that there is nothing else in them.
const Label = "dev.tutti.history.project"

// Read what was recorded; of a project without history, nothing.
func (s Store) Read(ctx context.Context) (History, error) {
	h, _, err := s.read(ctx, desired.HistoryImage(s.Project))
	return h, err
}

// Interrupted is a change that was cut off: what was recorded before it, with the file of what it was to be, and that. false if there is none.
func (s Store) Interrupted(ctx context.Context) (before History, intended Revision, found bool, err error) {
	h, found, err := s.read(ctx, desired.NextHistoryImage(s.Project))
	if err != nil || !found {
		return History{}, Revision{}, false, err
	}
	before, intended, found = h.Split()
	return before, intended, found, nil
}

func (s Store) read(ctx context.Context, ref string) (History, bool, error) {
	files, err := s.Engine.ExportArchive(ctx, ref)
	if errors.Is(err, engine.ErrNotFound) {
		return History{}, false, nil
	}
	if err != nil {
		return History{}, false, err
	}
	h, err := Decode(files)
	return h, true, err
}

// Begin keeps what the history will be once the change under way has succeeded, and gives the image's ID.
func (s Store) Begin(ctx context.Context, h History) (id string, err error) {
	return s.write(ctx, desired.NextHistoryImage(s.Project), h)
}

// Succeed makes what Begin kept the history. Was is the ID of the image that held it so far; "" if there is none.
func (s Store) Succeed(ctx context.Context, id, was string) error {
	if err := s.Engine.TagImage(ctx, id, desired.HistoryImage(s.Project)); err != nil {
		return err
	}
	var both sync.WaitGroup
	both.Go(func() {
		if was != "" && was != id {
			_ = s.Engine.RemoveImage(ctx, was) // it has lost its name: if somebody gave it another, it stays
		}
	})
	err := s.Drop(ctx)
	both.Wait()
	return err
}

// Write the history, and drop what Begin kept.
func (s Store) Write(ctx context.Context, h History) error {
	if _, err := s.write(ctx, desired.HistoryImage(s.Project), h); err != nil {
		return err
	}
	return s.Drop(ctx)
}

// Drop what Begin kept.
func (s Store) Drop(ctx context.Context) error {
	err := s.Engine.RemoveImage(ctx, desired.NextHistoryImage(s.Project))
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

func (s Store) write(ctx context.Context, ref string, h History) (string, error) {
	files, err := h.Encode()
	if err != nil {
		return "", err
	}
	id, err := s.Engine.ImportArchive(ctx, ref, map[string]string{Label: s.Project}, files)
	if err != nil {
		return "", fmt.Errorf("keep history: %w", err)
	}
	return id, nil
}
