package cli

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/cmd/internal/plugin"
)

// withoutE2E are verbs, with their flags and the verbs below them, single flags, and flags that all verbs have, of which CLI specs show all that
// there is to see; and why.
var withoutE2E = map[string]string{
	"--ansi":                      "a matter of the terminal",
	"--no-ansi":                   "a matter of the terminal",
	"--debug":                     "the same as --verbose",
	"--version":                   "no engine is asked",
	"--workdir":                   "the same as --project-directory",
	"--strict":                    "a matter of the files",
	"--insecure-registry":         "registries of e2e are on this machine, where none needs TLS",
	"alpha":                       "the same code as the verb without alpha; viz is a matter of the files",
	"build --compress":            "it does nothing",
	"build --force-rm":            "it does nothing",
	"build --no-rm":               "it does nothing",
	"build --parallel":            "it does nothing",
	"build --print":               "no engine is asked",
	"completion":                  "no engine is asked",
	"config":                      "a matter of the files; what it asks registries e2e has",
	"help":                        "no engine is asked",
	"install-plugin":              "no engine is asked",
	"lint":                        "a matter of the files",
	"publish --insecure-registry": "registries of e2e are on this machine, where none needs TLS",
	"pull --no-parallel":          "it does nothing",
	"pull --parallel":             "it does nothing",
	"version":                     "no engine is asked",
	"viz":                         "a matter of the files",
}

// TestAllIsShown: each verb and each flag is used in a script, a CLI spec or one of e2e, and each that an engine has to do with in one of e2e. A
// mistake shows nothing: a line that has to fail, and does not so with an exit code of its own, or one of e2e that is told its exit code. Neither do
// the scripts of e2e/testdata/beside, which need Docker Compose, and do not tell what is a mistake.
func TestAllIsShown(t *testing.T) {
	e2e := used(t, "../../../e2e/testdata/script/*.txtar", "../../../e2e/testdata/attributes/*.txtar")
	specs := used(t, "testdata/script/*.txtar")
	needless := maps.Clone(withoutE2E)
	for _, what := range everything(grown()) {
		key := excused(what)
		switch {
		case e2e[what]:
		case !specs[what]:
			t.Errorf("%s: no script uses it", what)
		case key == "":
			t.Errorf("%s: no script of e2e uses it", what)
		}
		if !e2e[what] {
			delete(needless, key)
		}
	}
	for key := range needless {
		t.Errorf("withoutE2E has %s, which excuses nothing", key)
	}
}

// TestUsed: a test that takes too much for shown would miss what is not.
func TestUsed(t *testing.T) {
	script := `
# what is up --wait
exec tutti -f 'x y.yaml' up -d --scale=web=2 # and --build
code 1 tutti up --pull sometimes
! tutti down --volumes
! exec sh -c 'tutti down --volumes'
! tutti stop -t 1
code 1
background name logs -f web
exec sh -c 'echo it | "$TUTTI" exec -T web ls --index'
tell docker-compose compose ps -qa | wc -l; docker-compose kill -s HUP 2>&1
settled --build
exec tutti bridge convert -o out
`
	want := []string{"--file", "bridge convert", "bridge convert --output", "exec", "exec --no-tty", "kill", "kill --signal", "logs", "logs --follow", "plan", "plan --build",
		"plan --detailed-exitcode", "ps", "ps --all", "ps --quiet", "stop", "stop --timeout", "up", "up --detach", "up --scale"}
	if got := slices.Sorted(maps.Keys(usedIn([]string{script}))); !slices.Equal(got, want) {
		t.Errorf("used are %q, not %q", got, want)
	}
}

// excused is the key of withoutE2E that a verb or flag falls under; "": none.
func excused(what string) string {
	verb, flag, _ := strings.Cut(what, "--")
	keys := []string{what, "--" + flag}
	for words := strings.Fields(verb); len(words) > 0; words = words[:len(words)-1] {
		keys = append(keys, strings.Join(words, " "))
	}
	for _, key := range keys {
		if withoutE2E[key] != "" {
			return key
		}
	}
	return ""
}

// grown is the tree with the verbs that cobra adds when it is run.
func grown() *cobra.Command {
	root := (&cli{g: &globals{}}).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// everything that there is: "up", "up --wait", "bridge convert --output", and "--file" of all verbs. What only holds other verbs shows nothing.
func everything(root *cobra.Command) []string {
	var out []string
	walk(root, func(verb *cobra.Command) {
		if !verb.HasSubCommands() {
			out = append(out, nameOf(verb, nil))
		}
		verb.Flags().VisitAll(func(f *pflag.Flag) {
			if name := nameOf(verb, f); verb == root || !strings.HasPrefix(name, "--") {
				out = append(out, name)
			}
		})
	})
	return out
}

// walk over a verb and all below it.
func walk(verb *cobra.Command, see func(*cobra.Command)) {
	see(verb)
	for _, below := range verb.Commands() {
		walk(below, see)
	}
}

// nameOf a verb, or of a flag of it, which it may have been lent by the root.
func nameOf(verb *cobra.Command, f *pflag.Flag) string {
	name := strings.TrimPrefix(verb.CommandPath(), "tutti ")
	if f == nil {
		return name
	}
	if global := verb.Root().Flags().Lookup(f.Name); global != nil && global.Value == f.Value {
		return "--" + f.Name
	}
	return name + " --" + f.Name
}

// used are the verbs and flags of all command lines in the scripts of some folders.
func used(t *testing.T, patterns ...string) map[string]bool {
	t.Helper()
	var scripts []string
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no scripts are %s: %v", pattern, err)
		}
		for _, path := range paths {
			script, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			scripts = append(scripts, string(script.Comment))
		}
	}
	return usedIn(scripts)
}

func usedIn(scripts []string) map[string]bool {
	root, out := grown(), map[string]bool{}
	for _, script := range scripts {
		for _, verb := range parsed(root, script) {
			out[nameOf(verb, nil)] = true
		}
	}
	walk(root, func(verb *cobra.Command) { // which have kept what they were given
		verb.Flags().Visit(func(f *pflag.Flag) { out[nameOf(verb, f)] = true })
	})
	return out
}

// parsed are the verbs of a script, each after it was given its flags.
func parsed(root *cobra.Command, script string) []*cobra.Command {
	var out []*cobra.Command
	all := append(commandsOf(script), nil)
	for i, words := range all[:len(all)-1] {
		args, fails := lineOf(words)
		if sh := slices.Index(words, "-c"); sh > 0 && sh+1 < len(words) && words[sh-1] == "sh" && !fails {
			out = append(out, parsed(root, words[sh+1])...)
		}
		if next := all[i+1]; len(next) == 2 && next[0] == "code" { // of e2e: how the line before has to end
			fails = false
		}
		if args == nil || fails {
			continue
		}
		if verb, rest, err := root.Traverse(args); err == nil && verb.ParseFlags(rest) == nil {
			out = append(out, verb)
		}
	}
	return out
}

// lineOf tutti in a command of a script, and whether it has to fail; nil: there is none.
func lineOf(words []string) (args []string, fails bool) {
	for i, word := range words {
		switch filepath.Base(word) {
		case "tutti", "$TUTTI":
			return append([]string{}, words[i+1:]...), fails
		case "docker-compose":
			return append([]string{}, plugin.Read(words[i+1:]).Args...), fails
		case "background": // NAME ARG…
			return words[min(i+2, len(words)):], fails
		case "settled":
			return append([]string{"plan", "--detailed-exitcode"}, words[i+1:]...), fails
		case "!":
			fails = true
		case "code":
			fails = i+1 < len(words) && words[i+1] == "1"
		}
	}
	return nil, fails
}

// commandsOf a script, for testscript or for a shell: the words of each.
func commandsOf(script string) [][]string {
	var all [][]string
	var words []string
	var word []rune // nil: between two
	quote := rune(0)
	for _, r := range script + "\n" {
		if r == '\n' {
			quote = 0
		}
		switch {
		case quote == '#': // a comment
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word = append(word, r)
		case r == '#' && word == nil:
			quote = r
		case r == '\'' || r == '"':
			quote, word = r, append([]rune{}, word...)
		case !strings.ContainsRune(" \t\n|&;<>()", r):
			word = append(word, r)
		default:
			if word != nil {
				words, word = append(words, string(word)), nil
			}
			if r != ' ' && r != '\t' && words != nil {
				all, words = append(all, words), nil
			}
		}
	}
	return all
}
