package main

import (
	"fmt"
	"strings"
	"time"
)

// stack is what a Compose file says, and what the floor makes of it.
type stack []service

type service struct {
	Name    string
	Command []string
	Probe   time.Duration // interval of its health probe, which succeeds at once; 0: it has none
	After   []string      // services that must be healthy, or started if they have no probe, before it starts
	Color   bool          // has the variable COLOR
	Rich    bool          // has more attributes than a container needs
}

// flat services; the first one can be changed by COLOR.
func flat(n int) stack {
	out := make(stack, n)
	for i := range out {
		out[i] = service{Name: fmt.Sprintf("s%04d", i), Color: i == 0}
	}
	return out
}

// rich services have what people write into their files.
func rich(n int) stack {
	out := flat(n)
	for i := range out {
		out[i].Rich = true
	}
	return out
}

// chain of services that each wait for the one before to be healthy.
func chain(n int) stack {
	out := make(stack, n)
	for i := range out {
		out[i] = service{Name: fmt.Sprintf("c%d", i), Probe: 500 * time.Millisecond}
		if i > 0 {
			out[i].After = []string{out[i-1].Name}
		}
	}
	return out
}

// layered services each need all of the next layer.
func layered(layers, wide int) stack {
	var out stack
	for l := range layers {
		for i := range wide {
			s := service{Name: fmt.Sprintf("l%02d-%d", l, i)}
			for k := range wide {
				if l+1 < layers {
					s.After = append(s.After, fmt.Sprintf("l%02d-%d", l+1, k))
				}
			}
			out = append(out, s)
		}
	}
	return out
}

// writers write as fast as they can.
func writers(n int) stack {
	out := make(stack, n)
	for i := range out {
		out[i] = service{Name: fmt.Sprintf("w%02d", i), Command: []string{"lines", "1000000000", "a line as long as people write them, more or less:"}}
	}
	return out
}

// file is the stack as Compose reads it.
func (s stack) file() string {
	var b strings.Builder
	b.WriteString("services:\n")
	if len(s) == 0 {
		return "services: {}\n"
	}
	for _, v := range s {
		v.write(&b)
	}
	if s[0].Rich {
		b.WriteString("networks: {back: {}, front: {}}\nvolumes: {data: {}}\n")
	}
	return b.String()
}

func (v service) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s:\n    image: ${STUB}\n", v.Name)
	if v.Command != nil {
		fmt.Fprintf(b, "    command: [\"%s\"]\n    logging: {driver: json-file, options: {max-size: 20m}}\n", strings.Join(v.Command, `", "`))
	}
	if v.Probe > 0 {
		fmt.Fprintf(b, "    healthcheck: {test: [CMD, /stub, probe], interval: %s}\n", v.Probe)
	}
	if v.Color && !v.Rich {
		b.WriteString("    environment: {COLOR: \"${COLOR:-red}\"}\n")
	}
	if v.Rich {
		fmt.Fprintf(b, "    environment: {NAME: %s, LEVEL: \"${LEVEL:-info}\", URL: \"http://%[1]s:80/\"}\n    labels: {team: shop, tier: back}\n", v.Name)
		b.WriteString("    restart: unless-stopped\n    networks: [back, front]\n    volumes: [\"data:/data\"]\n    expose: [80]\n")
		b.WriteString("    healthcheck: {test: [CMD, /stub, probe], interval: 10s, timeout: 2s}\n    deploy: {resources: {limits: {memory: 64M}}}\n")
	}
	if len(v.After) > 0 {
		b.WriteString("    depends_on:\n")
	}
	for _, name := range v.After {
		condition := "service_started"
		if v.Probe > 0 {
			condition = "service_healthy"
		}
		fmt.Fprintf(b, "      %s: {condition: %s}\n", name, condition)
	}
}
