package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// patience is how long a state may take to come about, and a command to end. Nothing takes that long unless something is wrong.
const patience = 3 * time.Minute

// commands of the scripts. CONTAINER is "web-1": the project's name is put in front.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"tutti":      cmdTutti,      // [!] tutti ARG…                     run it to its end
	"given":      cmdGiven,      // given FILE                         what the next tutti or background reads; "stdout": what the last one wrote
	"code":       cmdCode,       // [!] code N                         the last tutti exited with N
	"background": cmdBackground, // background NAME ARG…               run it beside the script
	"sees":       cmdSees,       // sees NAME REGEXP                   NAME has written that, or will soon
	"signal":     cmdSignal,     // signal NAME INT|TERM|KILL|HUP|USR1
	"ended":      cmdEnded,      // ended NAME N                       it ends, with exit code N; its output is stdout and stderr
	"settled":    cmdSettled,    // settled [FLAG…]                    the plan is empty
	"is":         cmdIs,         // [!] is CONTAINER PATH REGEXP       the value there matches, now
	"becomes":    cmdBecomes,    // [!] becomes CONTAINER PATH REGEXP  the value there matches, or will soon
	"shows":      cmdShows,      // shows CONTAINER PATH TEXT          the value there is that text; what is no string is compared as JSON
	"taken":      cmdTaken,      // taken CONTAINER PATH TEXT WARNING  it is, or the last tutti told that the engine leaves it out
	"names":      cmdNames,      // names CONTAINER FIELD…             the plan changes it, because of exactly these fields
	"containers": cmdContainers, // containers CONTAINER…              the project has exactly these
	"running":    cmdRunning,    // running CONTAINER…                 exactly these run, or will soon
	"networks":   cmdNetworks,   // networks NAME…                     exactly these, without the project's name
	"volumes":    cmdVolumes,    // volumes NAME…
	"remember":   cmdRemember,   // remember                           ids and state as they are now
	"kept":       cmdKept,       // kept CONTAINER…                    same container as remembered, not restarted since
	"same":       cmdSame,       // same CONTAINER…                    same container as remembered, restarted or not
	"restarted":  cmdRestarted,  // restarted CONTAINER…               same container, started again
	"replaced":   cmdReplaced,   // replaced CONTAINER…                another container of that name
	"untouched":  cmdUntouched,  // untouched                          nothing of the project has changed since remember
	"engine":     cmdEngine,     // engine METHOD PATH [JSON]          a call of the engine; CONTAINER in PATH as {web-1}; the answer is stdout
	"inside":     cmdInside,     // [!] inside CONTAINER ARG…          run a container's program in it again; the output is stdout
	"wrote":      cmdWrote,      // [!] wrote CONTAINER REGEXP         it has written that, or will soon; with ! it has not
	"fetch":      cmdFetch,      // fetch URL                          what it answers is stdout, at last
	"image":      cmdImage,      // image NAME LABEL                   the stub again, as another image
	"golden":     cmdGolden,     // golden FILE NAME                   FILE is as testdata/NAME says; -update makes it so
	"free":       cmdFree,       // free VARIABLE                      set it to a port that nobody listens on
	"listen":     cmdListen,     // listen VARIABLE                    this test listens on a port until the script ends
	"variables":  cmdVariables,  // variables PREFIX                   set those that the last tutti printed, each with PREFIX in front; its project goes with the script
	"beside":     cmdBeside,     // beside KIND NAME JSON              a container that runs, or a network, of no project or another
	"tag":        cmdTag,        // tag REF NAME                       for this script
	"registry":   cmdRegistry,   // registry VARIABLE [USER:PASSWORD]  set it to the address of a registry that lives as long as the script
	"archive":    cmdArchive,    // archive VARIABLE FILE...           set it to the address where a tar archive of the files is, as long as the script lives
	"repository": cmdRepository, // repository VARIABLE DIR            commit DIR in git; set it to where git serves it, as long as the script lives
	"push":       cmdPush,       // push VARIABLE REF NAME [USER:PASS] into such a registry, not to be kept as NAME; set it to the digest
	"builder":    cmdBuilder,    // builder NAME                       a BuildKit beside the engine's: NAME and NAME-far of docker buildx, $REMOTE, in the container $BUILDER
	"login":      cmdLogin,      // login ADDRESS USER:PASSWORD        as docker login leaves it, in the script's $DOCKER_CONFIG
}

func soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// container is the name in the engine.
func container(ts *testscript.TestScript, name string) string {
	return worldOf(ts).project + "-" + name
}

func need(ts *testscript.TestScript, args []string, n int, usage string) {
	if len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
}

func command(ctx context.Context, ts *testscript.TestScript, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), environ(ts)
	return cmd
}

// environ of the script. testscript does not give it whole, so these are the names that matter to tutti.
func environ(ts *testscript.TestScript) []string {
	names := []string{"PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR", "TERM", "PROJECT", "STUB", "ROOT", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "NO_COLOR",
		"COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_IGNORE_ORPHANS", "COMPOSE_REMOVE_ORPHANS", "COMPOSE_PARALLEL_LIMIT", "GIT_SSH_COMMAND",
		"ARCH", "COLOR", "FROM_HERE", "PORT", "COMMAND", "IMAGE", "LAST", "NET", "HOOK", "SECOND", "LABEL", "TAG", "KEEP", "COUNTER_PORT", "ROLLOUT_PORT", "GREETING", "THREE_TIER_PORT", "MIGRATE_PORT", "REGISTRY", "LOCKED", "REMOTE", "REPOSITORY", "DOCKER_BUILDKIT"}
	var env []string
	for _, n := range names {
		if v := ts.Getenv(n); v != "" {
			env = append(env, n+"="+v)
		}
	}
	return env
}

func cmdTutti(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := soon()
	defer cancel()
	cmd := command(ctx, ts, args)
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = worldOf(ts).input(), &out, &err
	failure := cmd.Run()
	show(ts, out.String(), err.String())
	if ctx.Err() != nil {
		ts.Fatalf("tutti %s: not done after %s", strings.Join(args, " "), patience)
	}
	worldOf(ts).code = cmd.ProcessState.ExitCode()
	if failed := failure != nil; failed != neg {
		ts.Fatalf("tutti %s: exit code %d", strings.Join(args, " "), worldOf(ts).code)
	}
}

// show output to the commands stdout and stderr; testscript puts it into the transcript.
func show(ts *testscript.TestScript, out, err string) {
	io.WriteString(ts.Stdout(), out)
	io.WriteString(ts.Stderr(), err)
}

func cmdGiven(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "given FILE")
	worldOf(ts).given = strings.NewReader(ts.ReadFile(args[0]))
}

// input that was given, once.
func (w *world) input() io.Reader {
	in := w.given
	w.given = nil
	return in // nil is an empty input
}

func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, args, 1, "[!] code N")
	if got := strconv.Itoa(worldOf(ts).code); (got == args[0]) == neg {
		ts.Fatalf("exit code is %s", got)
	}
}

func cmdBackground(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "background NAME ARG…")
	cmd := command(context.Background(), ts, args[1:])
	cmd.Stdin = worldOf(ts).input()
	b, err := launch(cmd)
	ts.Check(err)
	worldOf(ts).running[args[0]] = b
}

func backgroundOf(ts *testscript.TestScript, name string) *background {
	b := worldOf(ts).running[name]
	if b == nil {
		ts.Fatalf("nothing named %s runs in the background", name)
	}
	return b
}

func cmdSees(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "sees NAME REGEXP")
	ts.Check(backgroundOf(ts, args[0]).writes(args[1]))
}

func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "signal NAME INT|TERM|KILL|HUP|USR1")
	sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1}[args[1]]
	ts.Check(backgroundOf(ts, args[0]).cmd.Process.Signal(sig))
}

func cmdEnded(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "ended NAME N")
	b := backgroundOf(ts, args[0])
	code, err := b.end()
	ts.Check(err)
	delete(worldOf(ts).running, args[0])
	show(ts, b.out.String(), b.err.String())
	if got := strconv.Itoa(code); got != args[1] {
		ts.Fatalf("%s ended with exit code %s, not %s", args[0], got, args[1])
	}
}

func eventually(ts *testscript.TestScript, check func() error) { ts.Check(until(check)) }

func cmdSettled(ts *testscript.TestScript, _ bool, args []string) {
	cmdTutti(ts, false, append([]string{"plan", "--detailed-exitcode"}, args...))
}

func cmdIs(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, args, 3, "[!] is CONTAINER PATH REGEXP")
	ts.Check(value(ts, neg, args))
}

func cmdBecomes(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, args, 3, "[!] becomes CONTAINER PATH REGEXP")
	eventually(ts, func() error { return value(ts, neg, args) })
}

// value of a container's inspection matches, or (neg) does not.
func value(ts *testscript.TestScript, neg bool, args []string) error {
	ctx, cancel := soon()
	defer cancel()
	v, err := engine.Inspect(ctx, container(ts, args[0]))
	if err != nil {
		return err
	}
	if got := dock.Pick(v, args[1]); regexp.MustCompile(args[2]).MatchString(got) == neg {
		return fmt.Errorf("%s: %s is %q", args[0], args[1], got)
	}
	return nil
}

func cmdShows(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 3, "shows CONTAINER PATH TEXT")
	if got := shown(ts, args); got != args[2] {
		ts.Fatalf("%s: %s is %q, not %q", args[0], args[1], got, args[2])
	}
}

func cmdTaken(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 4, "taken CONTAINER PATH TEXT WARNING")
	got, told := shown(ts, args), strings.Contains(ts.ReadFile("stderr"), args[3])
	if got != args[2] && !told {
		ts.Fatalf("%s: %s is %q, not %q, and nothing tells why", args[0], args[1], got, args[2])
	}
}

// shown at a path of a container, in an inspection.
func shown(ts *testscript.TestScript, args []string) string {
	ctx, cancel := soon()
	defer cancel()
	v, err := engine.Inspect(ctx, container(ts, args[0]))
	ts.Check(err)
	return dock.Pick(v, args[1])
}

func cmdNames(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "names CONTAINER FIELD…")
	ctx, cancel := soon()
	defer cancel()
	out, err := command(ctx, ts, []string{"plan", "--no-start", "--json"}).Output()
	ts.Check(err)
	var plan struct {
		Changes []struct {
			Resource struct{ Name string }
			Reasons  []struct{ Path, Text string }
		}
	}
	ts.Check(json.Unmarshal(out, &plan))
	var got []string
	for _, c := range plan.Changes {
		for _, r := range c.Reasons {
			if c.Resource.Name == container(ts, args[0]) {
				got = append(got, cmp.Or(r.Path, r.Text))
			}
		}
	}
	want := slices.Sorted(slices.Values(args[1:]))
	if slices.Sort(got); !slices.Equal(got, want) {
		ts.Fatalf("the plan changes %s because of %q, not %q", args[0], got, want)
	}
}

func cmdContainers(ts *testscript.TestScript, _ bool, args []string) {
	all(ts, args, "containers", func(dock.Container) bool { return true })
}

func cmdRunning(ts *testscript.TestScript, _ bool, args []string) {
	all(ts, args, "running", func(c dock.Container) bool { return c.State == "running" })
}

func all(ts *testscript.TestScript, want []string, what string, keep func(dock.Container) bool) {
	w := worldOf(ts)
	slices.Sort(want)
	ctx, cancel := soon()
	defer cancel()
	eventually(ts, func() error {
		list, err := engine.Containers(ctx, w.project)
		if err != nil {
			return err
		}
		var got []string
		for _, c := range list {
			if keep(c) {
				got = append(got, strings.TrimPrefix(c.Name(), w.project+"-"))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s: %v, not %v", what, got, want)
		}
		return nil
	})
}

func cmdNetworks(ts *testscript.TestScript, _ bool, args []string) {
	named(ts, "networks", args, engine.Networks)
}
func cmdVolumes(ts *testscript.TestScript, _ bool, args []string) {
	named(ts, "volumes", args, engine.Volumes)
}

func named(ts *testscript.TestScript, what string, want []string, list func(context.Context, string) ([]string, error)) {
	w := worldOf(ts)
	ctx, cancel := soon()
	defer cancel()
	got, err := list(ctx, w.project)
	ts.Check(err)
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], w.project+"_")
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		ts.Fatalf("%s: %v, not %v", what, got, want)
	}
}

// card of a container: what tells whether it is the same, and whether it was started again.
type card struct{ id, started string }

func cards(ts *testscript.TestScript) map[string]card {
	w := worldOf(ts)
	ctx, cancel := soon()
	defer cancel()
	list, err := engine.Containers(ctx, w.project)
	ts.Check(err)
	out := map[string]card{}
	for _, c := range list {
		v, err := engine.Inspect(ctx, c.ID)
		ts.Check(err)
		out[strings.TrimPrefix(c.Name(), w.project+"-")] = card{c.ID, dock.Pick(v, "State/StartedAt")}
	}
	return out
}

func cmdRemember(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	ctx, cancel := soon()
	defer cancel()
	state, err := engine.State(ctx, w.project)
	ts.Check(err)
	w.ids, w.state = cards(ts), state
}

func cmdUntouched(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, cancel := soon()
	defer cancel()
	state, err := engine.State(ctx, worldOf(ts).project)
	ts.Check(err)
	if before := worldOf(ts).state; state != before {
		ts.Fatalf("the engine was changed; before:\n%s\nnow:\n%s", before, state)
	}
}

func cmdKept(ts *testscript.TestScript, _ bool, args []string) {
	compare(ts, args, func(was, is card) string {
		switch {
		case was.id != is.id:
			return "was replaced"
		case was.started != is.started:
			return "was restarted"
		}
		return ""
	})
}

func cmdSame(ts *testscript.TestScript, _ bool, args []string) {
	compare(ts, args, func(was, is card) string {
		if was.id != is.id {
			return "was replaced"
		}
		return ""
	})
}

func cmdRestarted(ts *testscript.TestScript, _ bool, args []string) {
	compare(ts, args, func(was, is card) string {
		switch {
		case was.id != is.id:
			return "was replaced"
		case was.started == is.started:
			return "was not restarted"
		}
		return ""
	})
}

func cmdReplaced(ts *testscript.TestScript, _ bool, args []string) {
	compare(ts, args, func(was, is card) string {
		if was.id == is.id {
			return "was not replaced"
		}
		return ""
	})
}

func compare(ts *testscript.TestScript, names []string, wrong func(was, is card) string) {
	now := cards(ts)
	for _, n := range names {
		was, known := worldOf(ts).ids[n]
		is, there := now[n]
		if !known || !there {
			ts.Fatalf("%s: remembered: %v, there now: %v", n, known, there)
		}
		if text := wrong(was, is); text != "" {
			ts.Fatalf("%s %s", n, text)
		}
	}
}

var named1 = regexp.MustCompile(`\{([^}]+)\}`)

func cmdEngine(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "engine METHOD PATH [JSON]")
	path := named1.ReplaceAllStringFunc(args[1], func(s string) string { return container(ts, s[1:len(s)-1]) })
	var body any
	if len(args) > 2 {
		ts.Check(json.Unmarshal([]byte(args[2]), &body))
	}
	ctx, cancel := soon()
	defer cancel()
	var answer json.RawMessage
	err := engine.Do(ctx, args[0], path, body, &answer)
	if !errors.Is(err, io.EOF) { // it need not say anything
		ts.Check(err)
	}
	show(ts, string(answer), "")
}

func cmdInside(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, args, 2, "[!] inside CONTAINER ARG…")
	ctx, cancel := soon()
	defer cancel()
	out, code, err := engine.Exec(ctx, container(ts, args[0]), append([]string{program(ts, args[0])}, args[1:]...)...)
	ts.Check(err)
	show(ts, out, "")
	if (code != 0) != neg {
		ts.Fatalf("inside %s: exit code %d", strings.Join(args, " "), code)
	}
}

func cmdWrote(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, args, 2, "[!] wrote CONTAINER REGEXP")
	want := regexp.MustCompile("(?m)" + args[1])
	check := func() error {
		ctx, cancel := soon()
		defer cancel()
		text, err := engine.Logs(ctx, container(ts, args[0]))
		if err == nil && want.MatchString(text) == neg {
			err = fmt.Errorf("%s has written:\n%s", args[0], text)
		}
		return err
	}
	if neg {
		ts.Check(check())
		return
	}
	eventually(ts, check)
}

// program of a container: what its image starts.
func program(ts *testscript.TestScript, name string) string {
	ctx, cancel := soon()
	defer cancel()
	v, err := engine.Inspect(ctx, container(ts, name))
	ts.Check(err)
	return dock.Pick(v, "Path")
}

func cmdFetch(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "fetch URL")
	client := http.Client{Timeout: 5 * time.Second}
	req, err := http.NewRequest("GET", args[0], nil)
	ts.Check(err)
	req.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json, */*") // a registry gives what it has only to who takes it
	eventually(ts, func() error {
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
		if err == nil {
			show(ts, string(body), "")
		}
		return err
	})
}

func cmdImage(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "image NAME LABEL")
	ctx, cancel := soon()
	defer cancel()
	file := "FROM " + stub + "\nLABEL variant=" + args[1] + "\n"
	ts.Check(engine.Build(ctx, args[0], dock.File{Name: "Dockerfile", Mode: 0o644, Body: []byte(file)}))
	ts.Defer(func() { engine.RemoveImage(context.Background(), args[0]) })
}

func cmdFree(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "free VARIABLE")
	port, err := freePort()
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// ports that were given out: each once, and none of those that engines and kernels choose from.
var ports struct {
	sync.Mutex
	next int
}

func freePort() (string, error) {
	const first, last = 20000, 32767
	ports.Lock()
	defer ports.Unlock()
	if ports.next == 0 {
		ports.next = first + rand.IntN(last-first)
	}
	for range last - first {
		ports.next++
		if ports.next > last {
			ports.next = first
		}
		port := strconv.Itoa(ports.next)
		if l, err := net.Listen("tcp", ":"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

func cmdListen(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "listen VARIABLE")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

func cmdVariables(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "variables PREFIX")
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			ts.Fatalf("no variable: %q", line)
		}
		ts.Setenv(args[0]+name, value)
		if w := worldOf(ts); name == "COMPOSE_PROJECT_NAME" {
			w.copies = append(w.copies, value)
		}
	}
}

func cmdBeside(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 3, "beside container|network NAME JSON")
	name, body := container(ts, args[1]), map[string]any{}
	ts.Check(json.Unmarshal([]byte(args[2]), &body))
	create := "/containers/create?name=" + name
	if args[0] == "network" {
		create, body["Name"] = "/networks/create", name
	}
	ctx, cancel := soon()
	defer cancel()
	var made struct{ ID string }
	ts.Check(engine.Do(ctx, "POST", create, body, &made))
	at := "/" + args[0] + "s/" + made.ID
	ts.Defer(func() { engine.Do(context.Background(), "DELETE", at+"?force=1&v=1", nil, nil) })
	if args[0] == "container" {
		ts.Check(engine.Do(ctx, "POST", at+"/start", nil, nil))
	}
}

func cmdTag(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "tag REF NAME")
	ctx, cancel := soon()
	defer cancel()
	i := strings.LastIndex(args[1], ":")
	ts.Check(engine.Tag(ctx, args[0], args[1][:i], args[1][i+1:]))
	ts.Defer(func() { engine.RemoveImage(context.Background(), args[1]) })
}

func cmdGolden(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "golden FILE NAME")
	got, path := ts.ReadFile(args[0]), filepath.Join(root, "e2e", "testdata", args[1])
	if *update {
		ts.Check(os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	ts.Check(err)
	if got != string(want) {
		ts.Fatalf("not as testdata/%s says; it says:\n%s", args[1], want)
	}
}
