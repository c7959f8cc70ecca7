package docker

import (
	"context"
	"errors"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

func (i images) BuildImage(ctx context.Context, ref string, b image.Build, progress func(engine.Progress)) (string, error) {
	return "", errors.New("not yet")
}
