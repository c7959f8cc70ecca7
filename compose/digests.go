package compose

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Digests asks the images' registries, by the engine and all at once, what the images are now. An engine that cannot tell is an error.
func (t Tool) Digests(ctx context.Context, images []string) (map[string]string, error) {
	var mu sync.Mutex
	out := map[string]string{}
	errs := make([]error, len(images))
	var all sync.WaitGroup
	for i, ref := range images {
		all.Go(func() {
			digest, err := t.Engine.ResolveImage(ctx, ref)
			if err == nil && digest == "" {
				err = errors.New("the engine cannot tell")
			}
			if err != nil {
				errs[i] = fmt.Errorf("digest of image %s: %w", ref, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out[ref] = digest
		})
	}
	all.Wait()
	return out, errors.Join(errs...)
}
