package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// inFlight is how many calls the floor makes at once.
const inFlight = 8

// floor does a step of a project with the calls that it takes, one more to learn that the engine answers, and nothing else.
func floor(ctx context.Context, args []string) error {
	engine, err := dock.Find(ctx)
	if err != nil {
		return err
	}
	f := &ground{Engine: engine, project: os.Getenv("COMPOSE_PROJECT_NAME")}
	body, err := os.ReadFile(os.Getenv("STACK"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, &f.stack); err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return f.up(ctx)
	case "lists":
		return f.lists(ctx)
	case "ps":
		_, err := f.Containers(ctx, f.project)
		return err
	case "logs":
		return f.logs(ctx, args[1])
	case "recreate":
		return f.recreate(ctx, args[1:])
	case "down":
		return f.down(ctx)
	}
	return fmt.Errorf("the floor cannot %s", args[0])
}

// ground is a project that the floor works on.
type ground struct {
	*dock.Engine
	project string
	stack   stack
}

func (f *ground) network() string { return f.project + "_default" }

// up makes the network and all containers, and starts each as soon as what it waits for is healthy.
func (f *ground) up(ctx context.Context) error {
	healthy, err := f.health(ctx)
	if err != nil {
		return err
	}
	labels := map[string]string{"com.docker.compose.project": f.project, "com.docker.compose.network": "default"}
	if err := f.Do(ctx, "POST", "/networks/create", map[string]any{"Name": f.network(), "Labels": labels}, nil); err != nil {
		return err
	}
	tickets := make(chan struct{}, inFlight)
	return all(f.stack, len(f.stack), func(s service) error {
		tickets <- struct{}{}
		id, err := f.create(ctx, s)
		<-tickets
		if err != nil {
			return err
		}
		for _, name := range s.After {
			if err := healthy.wait(ctx, name); err != nil {
				return err
			}
		}
		tickets <- struct{}{}
		defer func() { <-tickets }()
		return f.start(ctx, id)
	})
}

func (f *ground) create(ctx context.Context, s service) (id string, err error) {
	body := map[string]any{
		"Image": os.Getenv("STUB"),
		"Labels": map[string]string{"com.docker.compose.project": f.project, "com.docker.compose.service": s.Name,
			"com.docker.compose.container-number": "1", "com.docker.compose.oneoff": "False"},
		"HostConfig":       map[string]any{"NetworkMode": f.network()},
		"NetworkingConfig": map[string]any{"EndpointsConfig": map[string]any{f.network(): map[string]any{"Aliases": []string{s.Name}}}},
	}
	if s.Command != nil {
		body["Cmd"] = s.Command
	}
	if s.Probe > 0 {
		body["Healthcheck"] = map[string]any{"Test": []string{"CMD", "/stub", "probe"}, "Interval": s.Probe}
	}
	if s.Color {
		body["Env"] = []string{"COLOR=" + os.Getenv("COLOR")}
	}
	var made struct{ ID string }
	err = f.Do(ctx, "POST", "/containers/create?name="+f.project+"-"+s.Name+"-1", body, &made)
	return made.ID, err
}

func (f *ground) start(ctx context.Context, id string) error {
	return f.Do(ctx, "POST", "/containers/"+id+"/start", nil, nil)
}

// lists are what must be known to see that there is nothing to do.
func (f *ground) lists(ctx context.Context) error {
	paths := []string{"/containers/json?all=1&filters=" + f.ours(), "/networks?filters=" + f.ours(), "/images/json"}
	return all(paths, inFlight, func(path string) error { var v any; return f.Do(ctx, "GET", path, nil, &v) })
}

func (f *ground) ours() string {
	return url.QueryEscape(`{"label":["com.docker.compose.project=` + f.project + `"]}`)
}

// logs of all containers at once, each line behind its container's name. Query is what the engine is asked for beside the streams.
func (f *ground) logs(ctx context.Context, query string) error {
	list, err := f.Containers(ctx, f.project)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	defer out.Flush()
	var mu sync.Mutex
	return all(list, len(list), func(c dock.Container) error {
		r, err := f.Open(ctx, "/containers/"+c.ID+"/logs?stdout=1&stderr=1&"+query)
		if err != nil {
			return err
		}
		defer r.Close()
		in := bufio.NewReaderSize(r, 64<<10)
		prefix := c.Name() + " | "
		for {
			var head [8]byte
			if _, err := io.ReadFull(in, head[:]); err != nil {
				if errors.Is(err, io.EOF) || ctx.Err() != nil {
					return nil
				}
				return err
			}
			mu.Lock()
			out.WriteString(prefix)
			_, err := io.CopyN(out, in, int64(binary.BigEndian.Uint32(head[4:])))
			mu.Unlock()
			if err != nil && ctx.Err() == nil {
				return err
			}
		}
	})
}

// recreate the containers of the services that are named, or of all.
func (f *ground) recreate(ctx context.Context, names []string) error {
	list, err := f.Containers(ctx, f.project)
	if err != nil {
		return err
	}
	old := map[string]string{}
	for _, c := range list {
		old[c.Labels["com.docker.compose.service"]] = c.ID
	}
	services := f.stack
	if len(names) > 0 {
		services = nil
		for _, s := range f.stack {
			if s.Name == names[0] {
				services = append(services, s)
			}
		}
	}
	return all(services, inFlight, func(s service) error {
		if err := f.end(ctx, old[s.Name]); err != nil {
			return err
		}
		id, err := f.create(ctx, s)
		if err != nil {
			return err
		}
		return f.start(ctx, id)
	})
}

// end a container, giving it time as its image says.
func (f *ground) end(ctx context.Context, id string) error {
	if err := f.Do(ctx, "POST", "/containers/"+id+"/stop", nil, nil); err != nil {
		return err
	}
	return f.Do(ctx, "DELETE", "/containers/"+id, nil, nil)
}

func (f *ground) down(ctx context.Context) error {
	list, err := f.Containers(ctx, f.project)
	if err != nil {
		return err
	}
	if err := all(list, inFlight, func(c dock.Container) error { return f.end(ctx, c.ID) }); err != nil {
		return err
	}
	return f.Do(ctx, "DELETE", "/networks/"+f.network(), nil, nil)
}

// all does something to each of a list, so many at once, and gives the first error.
func all[T any](list []T, atOnce int, do func(T) error) error {
	tickets := make(chan struct{}, max(1, atOnce))
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, v := range list {
		tickets <- struct{}{}
		wg.Go(func() {
			defer func() { <-tickets }()
			errs[i] = do(v)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// health tells, by service, once it is healthy.
type health map[string]chan struct{}

// health listens to the engine, if any service waits for another.
func (f *ground) health(ctx context.Context) (health, error) {
	h := health{}
	for _, s := range f.stack {
		for _, name := range s.After {
			h[name] = make(chan struct{})
		}
	}
	if len(h) == 0 {
		return h, nil
	}
	since := time.Now()
	r, err := f.Open(ctx, fmt.Sprintf("/events?since=%d.%09d&filters=%s", since.Unix(), since.Nanosecond(), f.ours()))
	if err != nil {
		return nil, err
	}
	go func() {
		told := map[string]bool{}
		for dec := json.NewDecoder(r); ; {
			var ev struct {
				Action string
				Actor  struct{ Attributes map[string]string }
			}
			if dec.Decode(&ev) != nil {
				return
			}
			name := ev.Actor.Attributes["com.docker.compose.service"]
			if c := h[name]; c != nil && !told[name] && strings.HasSuffix(ev.Action, ": healthy") {
				told[name] = true
				close(c)
			}
		}
	}()
	return h, nil
}

func (h health) wait(ctx context.Context, service string) error {
	select {
	case <-h[service]:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
