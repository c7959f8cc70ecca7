// Command bench runs tutti, Docker Compose and a floor in turn on the same engine, and prints medians and ratios side by side.
//
// The floor makes only the calls that an engine needs to be asked, eight in flight, and does nothing else: what it takes is the engine's own time.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// options of a run.
type options struct {
	rounds                        int
	limit                         time.Duration
	only                          *regexp.Regexp
	tutti, compose                string
	asJSON, asMarkdown, showCases bool
}

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, os.Args); err != nil {
		stop()
		log.Fatal("bench: ", err)
	}
}

// start is also what runs in the processes that bench starts of itself.
func start(ctx context.Context, args []string) error {
	if len(args) > 1 {
		switch args[1] {
		case "launch":
			return launch(args[2:])
		case "floor":
			return floor(ctx, args[2:])
		}
	}
	o, err := flags()
	if err != nil {
		return err
	}
	if o.showCases {
		for _, c := range cases() {
			fmt.Println(c.name)
		}
		return nil
	}
	return run(ctx, o)
}

func flags() (o options, err error) {
	pattern := ""
	flag.IntVar(&o.rounds, "n", 3, "rounds; each runs every case with each tool")
	flag.DurationVar(&o.limit, "limit", time.Minute, "how long a command may take; one that takes longer is not run again")
	flag.StringVar(&pattern, "run", "", "only cases whose name matches this regular expression")
	flag.BoolVar(&o.showCases, "list", false, "print the names of the cases")
	flag.StringVar(&o.tutti, "tutti", "bin/tutti", "tutti's binary")
	flag.StringVar(&o.compose, "compose", cmp.Or(os.Getenv("TUTTI_COMPOSE"), "docker-compose"), "Docker Compose's binary; it is left out if it is not there")
	flag.BoolVar(&o.asJSON, "json", false, "print JSON")
	flag.BoolVar(&o.asMarkdown, "markdown", false, "print a table in Markdown")
	flag.Parse()
	o.only, err = regexp.Compile(pattern)
	return o, err
}

// tool is one of those that are compared. argv is how it does a step; nil: it has nothing to do.
type tool struct {
	name string
	argv func(step) []string
}

func tools(o options) ([]tool, error) {
	ours, err := filepath.Abs(o.tutti)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(ours); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := func(bin string) func(step) []string {
		return func(s step) []string { return append([]string{bin}, s.args...) }
	}
	list := []tool{{"tutti", command(ours)}}
	if bin, version := composeAt(o.compose); bin != "" {
		log.Printf("beside Docker Compose %s", version)
		list = append(list, tool{"compose", command(bin)})
	} else {
		log.Printf("no Docker Compose 2 here (put docker-compose in PATH, or name it in TUTTI_COMPOSE): without it")
	}
	return append(list, tool{"floor", func(s step) []string {
		if s.floor == nil {
			return nil
		}
		return append([]string{self, "floor"}, s.floor...)
	}}), nil
}

// rounds of all cases with each tool. The first counts calls, through a proxy, and its times are not kept; it also warms up what all have in common.
// What fails is told of at once, and the others go on: one engine that loses a network must not cost an hour's figures.
func (b *bench) rounds(ctx context.Context, chosen []benchCase, list []tool, n int) error {
	failed := 0
	for round := 0; round <= n; round++ {
		for _, c := range chosen {
			for _, t := range list {
				log.Printf("round %d of %d: %s of %s", round, n, c.name, t.name)
				err := b.measure(ctx, c, t, round == 0)
				if ctx.Err() != nil { // interrupted
					return nil
				}
				if err != nil {
					log.Printf("%s of %s: %v", c.name, t.name, err)
					failed++
				}
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("failures, told of above, whose times are missing: %d", failed)
	}
	return nil
}

// composeAt is where Docker Compose is; "" if there is none, or only the first, which was another program.
func composeAt(name string) (bin, version string) {
	bin, err := exec.LookPath(name)
	if err == nil {
		bin, err = filepath.Abs(bin)
	}
	if err != nil {
		return "", ""
	}
	out, err := exec.Command(bin, "version", "--short").Output()
	version = strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, errN := strconv.Atoi(major); err != nil || errN != nil || n < 2 {
		return "", ""
	}
	return bin, version
}

func run(ctx context.Context, o options) error {
	list, err := tools(o)
	if err != nil {
		return err
	}
	var chosen []benchCase
	for _, c := range cases() {
		if o.only.MatchString(c.name) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return errors.New("no case has such a name; -list prints them")
	}
	real, err := dock.Find(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tutti-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{real: real, dir: dir, image: fmt.Sprintf("tutti-bench:%d", os.Getpid()), limit: o.limit, results: results{}}
	if err := b.build(ctx, chosen); err != nil {
		return err
	}
	defer real.RemoveImage(context.WithoutCancel(ctx), b.image)
	failed := b.rounds(ctx, chosen, list, o.rounds)
	r := newReport(chosen, list, b.results) // of what there was time for, if it was interrupted
	write := r.table
	switch {
	case o.asJSON:
		write = r.json
	case o.asMarkdown:
		write = r.markdown
	}
	return errors.Join(write(os.Stdout), failed)
}
