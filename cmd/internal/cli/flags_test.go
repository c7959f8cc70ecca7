package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// otherwise are flags whose default tutti writes in another way, that means the same.
var otherwise = map[string]string{
	"build--compress": "bool false", "build--force-rm": "bool false", "exec--no-tty": "bool false", "run--no-tty": "bool false", // theirs depend on the terminal, or do nothing
	"build--memory": "string -", "build--ssh": "stringArray []", "commit--change": "stringArray []", "ls--filter": "stringArray []",
	"run--cap-add": "stringSlice []", "run--cap-drop": "stringSlice []",
	"convert--format": "string -",                                                                             // which is yaml
	"down--timeout":   "int -", "restart--timeout": "int -", "stop--timeout": "int -", "up--timeout": "int -", // 0 there means what the file says
}

// TestFlagsOfCompose: testdata/flags.txt holds each verb of Docker Compose 5.5 with its other names and, below it, each flag with its letter, kind
// and default ("-": none). It is written from the YAML reference that Docker Compose publishes with its documentation: command, aliases, and of each
// of options option, shorthand, value_type and default_value.
func TestFlagsOfCompose(t *testing.T) {
	text, err := os.ReadFile("testdata/flags.txt")
	if err != nil {
		t.Fatal(err)
	}
	root := (&cli{g: &globals{}}).root()
	verb, name := root, ""
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if words[0] == "verb" {
			name = strings.Trim(strings.ReplaceAll(words[1], "/", " "), "-")
			if verb = find(root, name); verb == nil {
				t.Errorf("%s is missing", name)
				continue
			}
			for _, alias := range words[2:] {
				if find(root, strings.ReplaceAll(alias, "/", " ")) == nil {
					t.Errorf("%s: no verb for its other name %s", name, alias)
				}
			}
			continue
		}
		if verb == nil {
			continue
		}
		key := strings.TrimPrefix(strings.ReplaceAll(name, " ", "/")+"--"+words[0], "/")
		f := verb.Flags().Lookup(words[0])
		if f == nil {
			t.Errorf("%s is missing", key)
			continue
		}
		if want := words[1]; want != "-" && f.Shorthand != want {
			t.Errorf("%s: its letter is %q, not %q", key, f.Shorthand, want)
		}
		if got := kind(f) + " " + defaultOf(f); got != words[2]+" "+words[3] && otherwise[key] != got {
			t.Errorf("%s is %q, not %q", key, got, words[2]+" "+words[3])
		}
	}
}

// find a verb by its name or another of its names; nil: there is none.
func find(root *cobra.Command, name string) *cobra.Command {
	verb, rest, err := root.Find(strings.Fields(name))
	if err != nil || len(rest) > 0 {
		return nil
	}
	return verb
}

func kind(f *pflag.Flag) string { return f.Value.Type() }

func defaultOf(f *pflag.Flag) string {
	if f.DefValue == "" {
		return "-"
	}
	return f.DefValue
}
