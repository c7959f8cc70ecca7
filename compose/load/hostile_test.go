package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestHostile: what nobody writes ends in a diagnostic with its place, or in a result, and not in a wait.
func TestHostile(t *testing.T) {
	const web = "services:\n  a:\n    image: x\n"
	for name, c := range map[string]struct{ text, want string }{
		"variables":     {web + "    command: '" + strings.Repeat("${NO:-}", 20_000) + "'\n", ""},
		"unset":         {web + "    command: '" + strings.Repeat("${NO}", 20_000) + "'\n", `stdin:4:15: variable "NO" is not set`},
		"dollars":       {web + "    command: '" + strings.Repeat("$", 100_000) + "'\n", ""},
		"depth":         {deep(5000) + web, "stdin:102:102: nested more than 100 levels deep"},
		"aliases":       {"x-a: &a {b: [" + strings.Repeat("c,", 50) + "]}\nx-b: [" + strings.Repeat("*a,", 20_000) + "]\n" + web, "stdin:2:5665: aliases make the file too large"},
		"itself":        {"x-a: &a {b: *a}\n" + web, "anchor 'a' value contains itself"},
		"documents":     {web + strings.Repeat("---\n", 10_000), ""},
		"long key":      {web + "    environment:\n      ? " + strings.Repeat("K", 1_000_000) + "\n      : v\n", ""},
		"env file pipe": {web + "    env_file: pipe\n", "stdin:4:15: service \"a\": read env file pipe: read "},
		"include pipe":  {"include: [pipe]\n" + web, "stdin:1:11: read pipe: not a regular file"},
		"its env file":  {"include: [{path: b.yaml, env_file: pipe}]\n" + web, "read the env file of b.yaml: not a regular file"},
		"label pipe":    {web + "    label_file: pipe\n", "not a regular file"},
		"env variables": {web + "    env_file: many.env\n", "line 1: too many variables in one value"},
		"zero byte":     {web + "    command: a\x00b\n", "control characters are not allowed"},
		"byte order":    {"\ufeff" + web, ""},
		"line ends":     {strings.ReplaceAll(web, "\n", "\r\n"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "b.yaml", "services: {b: {image: x}}")
			put(t, dir, "many.env", "A="+strings.Repeat("${B:-}", 20_000))
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Load(t.Context(), typed(dir, c.text))
			got := fmt.Sprintln(err)
			for _, d := range r.Diags {
				got += fmt.Sprintf("%v: %s\n", d.Place, d.Text)
			}
			if !strings.Contains(got, c.want) || c.want == "" && err != nil {
				t.Errorf("want %q, got %.300s", c.want, got)
			}
		})
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func deep(n int) string {
	var b strings.Builder
	b.WriteString("x-a:\n")
	for i := 1; i < n; i++ {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
