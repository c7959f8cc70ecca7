package load

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/compose-spec/compose-go/v2/format"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/form"
)

// FuzzLoad: whatever a file holds, a load ends, in a result or an error, and keeps the promises of checked.
func FuzzLoad(f *testing.F) {
	cases, _ := filepath.Glob("testdata/diagnostics/*.txtar")
	for _, path := range cases {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(a.Files[0].Data))
	}
	f.Add("services: {a: {image: x, ports: [1-2:3-4]}}\n---\nservices: !reset {}")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) { checked(t, dir, text) })
}

// checked loads a text and checks what holds of every load: it gives the same twice; what is told has its place within the file;
// what config prints loads again, to the very same model and hashes.
func checked(t *testing.T, dir, text string) (Result, error) {
	t.Helper()
	r, err := Load(t.Context(), typed(dir, text))
	again, err2 := Load(t.Context(), typed(dir, text))
	if a, b := report(r, err), report(again, err2); a != b {
		t.Errorf("told once\n%s\nand then\n%s", a, b)
	}
	for _, d := range r.Diags {
		within(t, text, d)
	}
	if err == nil && r.Diags.HasErrors() {
		t.Error("errors, but loaded")
	}
	if err == nil {
		sameAgain(t, dir, r)
	}
	return r, err
}

// typed is a text on the standard input.
func typed(dir, text string) Options {
	return Options{Dir: dir, Files: []string{"-"}, ProjectName: "demo", Environment: []string{"A=b", "EMPTY=", "MORE=$A ${A}"}, Stdin: strings.NewReader(text)}
}

// within checks that a diagnostic's place is in the text.
func within(t *testing.T, text string, d diag.Diagnostic) {
	t.Helper()
	p := d.Place
	if p.File != "stdin" || p.Line == 0 {
		return
	}
	lines := strings.Split(breaks.Replace(text), "\n")
	if p.Line > len(lines)+1 {
		t.Errorf("%v: the text has %d lines", d, len(lines))
	} else if p.Line <= len(lines) && p.Column > utf8.RuneCountInString(lines[p.Line-1])+1 {
		t.Errorf("%v: the line is %q", d, lines[p.Line-1])
	}
}

// breaks are the line breaks of YAML.
var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

var dollarKey = regexp.MustCompile(`(?m)^[^\n]*\$[^\n]*:( |$)`)

func sameAgain(t *testing.T, dir string, r Result) {
	t.Helper()
	printed, err := r.Model.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if dollarKey.Match(printed) {
		return // config writes $ twice in keys too, as Docker Compose does, where nobody makes one of them
	}
	next, err := Load(t.Context(), typed(dir, string(printed)))
	if err != nil && strings.Contains(err.Error(), "which is not a service") {
		return // config leaves out what no profile enables, as Docker Compose does, but not that it may be needed
	}
	if err != nil {
		t.Fatalf("what config prints does not load: %v\n%s", err, printed)
	}
	if b := must(next.Model.YAML()); string(b) != string(printed) {
		t.Errorf("config prints\n%s\nand of that\n%s", printed, b)
	}
	object, err := r.Model.JSON()
	if err != nil || !json.Valid(object) {
		t.Errorf("%v: no JSON:\n%s", err, object)
	}
}

// one loads a service with one attribute more.
func one(t *testing.T, dir, attribute string, value any) (desired.Service, error) {
	t.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		t.Skip(err)
	}
	r, err := checked(t, dir, "services:\n  a:\n    image: x\n    "+attribute+": "+strings.ReplaceAll(string(b), "$", "$$")+"\nvolumes: {data: {}}\n")
	if err != nil {
		return desired.Service{}, err
	}
	s, _ := r.Project.Service("a")
	return s, nil
}

func clean(t *testing.T, text string) {
	if !utf8.ValidString(text) {
		t.Skip("JSON cannot hold it")
	}
}

// FuzzPorts: the ports of what is taken are ports, and as Docker Compose reads them; what is refused is no port.
func FuzzPorts(f *testing.F) {
	for _, s := range []string{"80", "8080:80", "127.0.0.1:8080:80/udp", "[::1]:1-3:1-3", "1-3", "3000-3005:80", "0:0", "65536", ":80", "a", "80/tcp/udp", "::1:80:80", "8000-9000:80/sctp"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		clean(t, text)
		want, bad := types.ParsePortConfig(text)
		if len(want) > 100 {
			t.Skip("takes long, as it should")
		}
		s, err := one(t, dir, "ports", []string{text})
		switch {
		case err != nil && bad == nil && all(want, usable):
			t.Errorf("%q refused: %v", text, err)
		case err == nil && bad != nil:
			t.Errorf("%q taken; Docker Compose: %v", text, bad)
		case err == nil:
			samePorts(t, s, want)
		}
	})
}

func samePorts(t *testing.T, s desired.Service, want []types.ServicePortConfig) {
	t.Helper()
	have := map[string]bool{}
	for _, p := range s.Container.Ports {
		c := types.ServicePortConfig{Target: uint32(p.Target), Published: p.Published, Protocol: p.Protocol, HostIP: p.HostIP}
		if !usable(c) {
			t.Errorf("%+v is no port", p)
		}
		have[fmt.Sprint(p.HostIP, " ", p.Published, " ", p.Target, " ", p.Protocol)] = true
	}
	for _, p := range want {
		if !have[fmt.Sprint(p.HostIP, " ", p.Published, " ", p.Target, " ", p.Protocol)] {
			t.Errorf("%+v is not in %v", p, s.Container.Ports)
		}
	}
}

// usable tells whether an engine could publish it.
func usable(p types.ServicePortConfig) bool {
	_, _, err := form.PortRange(p.Published)
	return p.Target >= 1 && p.Target <= 65535 && (p.Published == "" || err == nil) && slices.Contains([]string{"tcp", "udp", "sctp"}, p.Protocol) &&
		(p.HostIP == "" || net.ParseIP(p.HostIP) != nil)
}

func all[T any](list []T, is func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !is(v) })
}

// FuzzVolumes: what is taken has a target, and is as Docker Compose reads it.
func FuzzVolumes(f *testing.F) {
	for _, s := range []string{"/data", "data:/data", "./src:/src:ro", "~/x:/x:z", `C:\a:/a`, "data:/x:nocopy,ro", "::", "a:b:c:d", "data:rel", "/a:/b:rshared"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		clean(t, text)
		want, bad := format.ParseVolume(text)
		s, err := one(t, dir, "volumes", []string{text})
		if err != nil {
			return
		}
		if bad != nil || len(s.Container.Mounts) != 1 {
			t.Fatalf("%q is %+v; Docker Compose: %v", text, s.Container.Mounts, bad)
		}
		if m := s.Container.Mounts[0]; m.Target == "" || string(m.Type) != want.Type || m.ReadOnly != want.ReadOnly {
			t.Errorf("%q is %+v; Docker Compose: %+v", text, m, want)
		}
	})
}

// FuzzDurations: a duration that is taken is the one that Docker Compose reads. A negative one waits for ever.
func FuzzDurations(f *testing.F) {
	for _, s := range []string{"1m30s", "10", "1.5h", "-1s", "1d", "1w", "99999999999h", "1us", "1µs", "", " 1s", "1e9s", "0"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		clean(t, text)
		var want types.Duration
		bad := want.DecodeMapstructure(text)
		s, err := one(t, dir, "stop_grace_period", text)
		if err == nil && s.Container.StopTimeout != nil && (bad != nil || *s.Container.StopTimeout != time.Duration(want)) {
			t.Errorf("%q is %v; Docker Compose: %v, %v", text, *s.Container.StopTimeout, want, bad)
		}
		if err != nil && bad == nil {
			t.Errorf("%q refused: %v", text, err)
		}
	})
}

// FuzzSizes: a size that is taken is the one that Docker Compose reads; -1 is no limit, nothing is less.
func FuzzSizes(f *testing.F) {
	for _, s := range []string{"512m", "1.5g", "10", "1kb", "1KiB", "-1", "99999999999t", "0x10", "1e3", "1 g", ".5g", "inf", "nan"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		clean(t, text)
		var want types.UnitBytes
		bad := want.DecodeMapstructure(text)
		s, err := one(t, dir, "mem_limit", text)
		if err == nil && (bad != nil || s.Container.Resources.Memory != int64(want) || want < -1) {
			t.Errorf("%q is %v; Docker Compose: %v, %v", text, s.Container.Resources.Memory, want, bad)
		}
		if err != nil && bad == nil && want >= -1 {
			t.Errorf("%q refused: %v", text, err)
		}
	})
}

// FuzzDevices: a device that is taken has both its ends.
func FuzzDevices(f *testing.F) {
	for _, s := range []string{"/dev/null", "/dev/null:/dev/x", "/dev/null:/dev/x:rwm", "a:b:c:d", "vendor.com/class=dev", ":", "", "/dev/null:r"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		clean(t, text)
		s, err := one(t, dir, "devices", []string{text})
		if err != nil {
			return
		}
		for _, d := range s.Container.Devices {
			if d.Source == "" || d.Target == "" {
				t.Errorf("%q is %+v", text, d)
			}
		}
	})
}

// FuzzUlimits: a limit that is taken is a whole number, and no soft one is over its hard one.
func FuzzUlimits(f *testing.F) {
	f.Add("nofile", "1024", "2048")
	f.Add("core", "-1", "-1")
	f.Add("nproc", "0x10", "1_000")
	f.Add("memlock", "99999999999999999999", "1e3")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, name, soft, hard string) {
		clean(t, name+soft+hard)
		for _, v := range []any{map[string]any{name: soft}, map[string]any{name: map[string]any{"soft": soft, "hard": hard}}} {
			s, err := one(t, dir, "ulimits", v)
			if err != nil {
				continue
			}
			for _, u := range s.Container.Ulimits {
				if _, err := strconv.ParseInt(soft, 0, 64); err != nil || u.Name != name || u.Hard >= 0 && u.Soft > u.Hard {
					t.Errorf("%q %q %q is %+v", name, soft, hard, u)
				}
			}
		}
	})
}

// FuzzExtraHosts: a host that is taken has a name and an address.
func FuzzExtraHosts(f *testing.F) {
	for _, s := range []string{"a:10.0.0.1", "a=10.0.0.1", "a=::1", "a:[::1]", "a:host-gateway", "=x", "a=", "a::1", ":", "a b=1.2.3.4"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		clean(t, text)
		s, err := one(t, dir, "extra_hosts", []string{text})
		if err != nil {
			return
		}
		for _, h := range s.Container.ExtraHosts {
			if name, address, ok := strings.Cut(h, ":"); !ok || name == "" || address == "" {
				t.Errorf("%q is %q", text, h)
			}
		}
	})
}

// FuzzEnvFile: an env or label file is read or told of, never with what stands in it, and gives names that an engine takes.
func FuzzEnvFile(f *testing.F) {
	for _, s := range []string{"A=b\n", "A='b\nc'\n", `A="x\ny$B"`, "export A=1 # x", "A", "A=${A:-${B:?no}}", "\ufeffA=b", "A: b", "=x", "A B=c", "A=\x00", "#", "A='", "A=\"\\"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "a.env")
	f.Fuzz(func(t *testing.T, text string, raw bool) {
		clean(t, text)
		if err := os.WriteFile(path, []byte(text+"\nPASSWORD=hunter2hunter2"), 0o600); err != nil {
			t.Fatal(err)
		}
		how := map[string]any{"path": "a.env"}
		if raw {
			how["format"] = "raw"
		}
		s, err := one(t, dir, "env_file", []any{how})
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a value is told: %v", err)
		}
		for name := range s.Container.Environment {
			if name == "" || strings.ContainsAny(name, "=\x00") {
				t.Errorf("the name is %q", name)
			}
		}
		if _, err := one(t, dir, "label_file", "a.env"); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a value is told: %v", err)
		}
	})
}

// FuzzInterpolation: a text with variables in it loads or is told of.
func FuzzInterpolation(f *testing.F) {
	for _, s := range []string{"$A", "${A}", "${B:-x}", "${B-${A:+y}}", "${B:?no}", "$$A", "${", "${A:-$}", "${EMPTY:+x}", "${A-{}}", "${MORE}"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		clean(t, text)
		checked(t, dir, fmt.Sprintf("services: {a: {image: x, labels: {l: %s}}}", must(json.Marshal(text))))
	})
}
