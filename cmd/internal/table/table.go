// Package table writes containers, projects and versions as tables, as JSON or by a template of the user's, as the docker CLI does.
package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"text/template"
)

// header has a column's title by the name of the field.
type header map[string]string

// Label titles a column of {{.Label "a.b.c"}}: c.
func (header) Label(name string) string {
	return strings.NewReplacer("-", " ", "_", " ").Replace(name[strings.LastIndexByte(name, '.')+1:])
}

// tabulate writes rows by a format of the docker CLI: "json", a Go template, or "table " and a Go template.
func tabulate(w io.Writer, format string, h header, rows []any) error {
	if format == "json" {
		format = "{{json .}}"
	}
	text, table := strings.CutPrefix(format, "table")
	text = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(strings.Trim(text, " "))
	t, err := template.New("").Funcs(rowFuncs).Parse(text)
	if err != nil {
		return fmt.Errorf("template parsing error: %w", err)
	}
	var b bytes.Buffer
	for _, r := range rows {
		if err := t.Execute(&b, r); err != nil {
			return fmt.Errorf("template parsing error: %w", err)
		}
		b.WriteByte('\n')
	}
	if table {
		return columns(w, t, h, b.Bytes())
	}
	_, err = w.Write(b.Bytes())
	return err
}

func columns(w io.Writer, t *template.Template, h header, body []byte) error {
	tw := tabwriter.NewWriter(w, 10, 1, 3, ' ', 0)
	if err := t.Funcs(headerFuncs).Execute(tw, h); err != nil {
		return fmt.Errorf("template parsing error: %w", err)
	}
	fmt.Fprintln(tw)
	if _, err := tw.Write(body); err != nil {
		return err
	}
	return tw.Flush()
}

// rowFuncs are the docker CLI's functions for templates.
var rowFuncs = template.FuncMap{
	"json":  toJSON,
	"split": strings.Split,
	"join":  strings.Join,
	"title": title,
	"lower": strings.ToLower,
	"upper": strings.ToUpper,
	"pad": func(s string, before, after int) string {
		if s == "" {
			return ""
		}
		return strings.Repeat(" ", before) + s + strings.Repeat(" ", after)
	},
	"truncate": func(s string, n int) string { return s[:min(n, len(s))] },
}

// headerFuncs leave titles as they are.
var headerFuncs = template.FuncMap{
	"json":     func(s string) string { return s },
	"split":    func(s, _ string) string { return s },
	"join":     func(s, _ string) string { return s },
	"title":    func(s string) string { return s },
	"lower":    func(s string) string { return s },
	"upper":    func(s string) string { return s },
	"truncate": func(s string, _ int) string { return s },
}

func toJSON(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSpace(b.String()), err
}

// lines writes one word a line.
func lines(w io.Writer, words []string) error {
	if len(words) == 0 {
		return nil
	}
	_, err := io.WriteString(w, strings.Join(words, "\n")+"\n")
	return err
}

// jsonLine writes a value as JSON, angle brackets as they are.
func jsonLine(w io.Writer, v any) error {
	text, err := toJSON(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

// title has each word begin with a capital letter.
func title(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
