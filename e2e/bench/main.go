// Command bench runs tutti and Docker Compose in turn on the same engine, and prints medians side by side.
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
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

var (
	rounds  = flag.Int("n", 3, "rounds; each runs every case with each tool")
	ours    = flag.String("tutti", "bin/tutti", "tutti's binary")
	theirs  = flag.String("compose", cmp.Or(os.Getenv("TUTTI_COMPOSE"), "docker-compose"), "Docker Compose's binary, or none")
	pattern = flag.String("run", "", "only cases whose name holds this")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	if err := run(context.Background()); err != nil {
		log.Fatal("bench: ", err)
	}
}

// tool is one of those that are compared.
type tool struct{ name, bin string }

func tools() ([]tool, error) {
	bin, err := filepath.Abs(*ours)
	if err != nil {
		return nil, err
	}
	list := []tool{{"tutti", bin}}
	bin, err = exec.LookPath(*theirs)
	if err == nil {
		bin, err = filepath.Abs(bin)
	}
	if out, _ := exec.Command(bin, "version", "--short").Output(); err == nil && recent(string(out)) {
		log.Printf("beside Docker Compose %s", out)
		return append(list, tool{"compose", bin}), nil
	}
	log.Printf("no Docker Compose 2 here (put docker-compose in PATH, or name it in TUTTI_COMPOSE): tutti alone")
	return list, nil
}

// recent tells whether a version is 2 or later: the first was another program.
func recent(version string) bool {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 2
}

func run(ctx context.Context) error {
	engine, err := dock.Find(ctx)
	if err != nil {
		return err
	}
	list, err := tools()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tutti-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{engine: engine, dir: dir, image: fmt.Sprintf("tutti-bench:%d", os.Getpid()), results: map[string]*result{}}
	if err := b.buildStub(ctx); err != nil {
		return err
	}
	defer engine.RemoveImage(ctx, b.image)
	for round := range *rounds {
		log.Printf("round %d of %d", round+1, *rounds)
		for _, c := range cases {
			for _, t := range list {
				if !strings.Contains(c.name, *pattern) {
					continue
				}
				if err := b.measure(ctx, c, t); err != nil {
					return fmt.Errorf("%s of %s: %w", c.name, t.name, err)
				}
			}
		}
	}
	b.print(list)
	return nil
}

// bench holds what has been measured.
type bench struct {
	engine  *dock.Engine
	dir     string
	image   string
	order   []string
	results map[string]*result // "case/tool"
}

type result struct {
	took  []time.Duration
	calls int
}

// stage is one project of one tool, set up for a case.
type stage struct {
	b       *bench
	t       tool
	proxy   *dock.Proxy
	project string
	dir     string
	env     []string
}

func (b *bench) measure(ctx context.Context, c benchCase, t tool) error {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp(b.dir, "stage")
	if err != nil {
		return err
	}
	proxy, err := dock.NewProxy(b.engine, dir)
	if err != nil {
		return err
	}
	defer proxy.Close()
	s := &stage{b: b, t: t, proxy: proxy, project: fmt.Sprintf("bench%d", os.Getpid()), dir: dir}
	s.env = append(os.Environ(), "DOCKER_HOST="+proxy.Host, "COMPOSE_PROJECT_NAME="+s.project, "STUB="+b.image)
	defer b.engine.RemoveProject(whole, s.project)
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(c.file()), 0o644); err != nil {
		return err
	}
	return c.run(ctx, s)
}

// command of the tool; what it writes is shown if it fails.
func (s *stage) command(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.t.bin, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// timed runs a command and records how long it took and how many calls it made.
func (s *stage) timed(ctx context.Context, name string, args ...string) error {
	s.proxy.Calls()
	start := time.Now()
	if err := s.command(ctx, args...); err != nil {
		return err
	}
	s.b.record(name, s.t, time.Since(start), len(s.proxy.Calls()))
	return nil
}

func (b *bench) record(name string, t tool, d time.Duration, calls int) {
	key := name + "/" + t.name
	if !slices.Contains(b.order, name) {
		b.order = append(b.order, name)
	}
	if b.results[key] == nil {
		b.results[key] = &result{}
	}
	b.results[key].took = append(b.results[key].took, d)
	b.results[key].calls = calls
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

func (b *bench) print(list []tool) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "case\t")
	for _, t := range list {
		fmt.Fprintf(w, "%s\tcalls\t", t.name)
	}
	if len(list) == 2 {
		fmt.Fprint(w, "ratio\t")
	}
	fmt.Fprintln(w)
	for _, name := range b.order {
		var medians []time.Duration
		fmt.Fprintf(w, "%s\t", name)
		for _, t := range list {
			r := b.results[name+"/"+t.name]
			if r == nil {
				fmt.Fprint(w, "–\t\t")
				continue
			}
			m := median(r.took)
			medians = append(medians, m)
			fmt.Fprintf(w, "%.3f s\t%s\t", m.Seconds(), count(r.calls))
		}
		if len(medians) == 2 {
			fmt.Fprintf(w, "%.1f×\t", medians[1].Seconds()/medians[0].Seconds())
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// buildStub compiles e2e/stub for the engine's machine and makes an image of it.
func (b *bench) buildStub(ctx context.Context) error {
	bin := filepath.Join(b.dir, "stub")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, "./e2e/stub")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+b.engine.OS, "GOARCH="+b.engine.Arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.New(string(out))
	}
	body, err := os.ReadFile(bin)
	if err != nil {
		return err
	}
	file := "FROM scratch\nCOPY stub /stub\nENTRYPOINT [\"/stub\"]\nCMD [\"serve\"]\n"
	return b.engine.Build(ctx, b.image, dock.File{Name: "stub", Mode: 0o755, Body: body}, dock.File{Name: "Dockerfile", Mode: 0o644, Body: []byte(file)})
}
