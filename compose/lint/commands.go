package lint

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
)

var commandRules = []Rule{
	{ID: "command-without-shell", Severity: diag.Warning, Title: "a command has && or a pipe, and no shell that knows it", check: each(commandWithoutShell),
		Why: "Commands are not run by a shell: what stands behind the sign is dropped.",
		Fix: "Write `command: [\"sh\", \"-c\", \"first && second\"]`."},
	{ID: "healthcheck-without-shell", Severity: diag.Warning, Title: "a healthcheck of the form CMD has || or a pipe", check: each(healthcheckWithoutShell),
		Why: "CMD runs no shell: the program gets the sign as an argument.",
		Fix: "Write the test as one text, or begin it with CMD-SHELL."},
	{ID: "quotes-in-value", Severity: diag.Warning, Title: "quotes are part of a variable's value", check: each(quotesInValue),
		Why: "In a list (`- NAME=\"value\"`) the file keeps the quotes, and the program gets them.",
		Fix: "Leave them out, or put them round the whole item."},
	{ID: "duplicate-variable", Severity: diag.Warning, Title: "a list sets a variable more than once", check: each(duplicateVariable),
		Why: "The last one wins, silently.",
		Fix: "Keep one."},
}

func commandWithoutShell(s Service) []Finding {
	sign := operator(s.Command.Value)
	first, _, _ := strings.Cut(s.Command.Value, " ")
	if sign == "" || s.Shell || isShell(first) {
		return nil
	}
	return one(s.about(s.Command.At, "command has "+sign+", but no shell runs it: what follows is dropped", `write ["sh", "-c", "…"]`))
}

func isShell(program string) bool {
	return slices.Contains([]string{"sh", "bash", "ash", "dash", "zsh", "cmd", "powershell", "pwsh"}, program[strings.LastIndexByte(program, '/')+1:])
}

// operator is the first sign in a text that only a shell understands and that stands outside of quotes.
func operator(text string) string {
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case strings.IndexByte(";&|<>", c) >= 0:
			if i+1 < len(text) && text[i+1] == c {
				return text[i : i+2]
			}
			return text[i : i+1]
		}
	}
	return ""
}

func healthcheckWithoutShell(s Service) []Finding {
	test := s.Healthcheck.Test
	if len(test) == 0 || test[0] != "CMD" || len(test) > 1 && isShell(test[1]) {
		return nil
	}
	for _, arg := range test[1:] {
		if slices.Contains([]string{"||", "&&", "|", ";", ">", ">>", "2>&1"}, arg) {
			return one(s.about(s.Healthcheck.At, "healthcheck gives "+arg+" to its program as an argument: CMD runs no shell", "begin it with CMD-SHELL, and write the rest as one text"))
		}
	}
	return nil
}

func quotesInValue(s Service) []Finding {
	var out []Finding
	for _, v := range s.Environment {
		n := len(v.Value)
		if !v.Listed || n < 2 || v.Value[0] != '"' && v.Value[0] != '\'' || v.Value[0] != v.Value[n-1] {
			continue
		}
		var edits []Edit
		if v.Span != nil {
			edits = []Edit{{v.Span.From, v.Span.To, v.Name + "=" + v.Value[1:n-1]}}
		}
		out = append(out, s.about(v.At, "the quotes are part of the value of "+v.Name, "leave them out", edits...))
	}
	return out
}

func duplicateVariable(s Service) []Finding {
	var out []Finding
	for _, v := range s.Environment {
		if v.Twice {
			out = append(out, s.about(v.At, v.Name+" is set more than once: the last one wins", "keep one"))
		}
	}
	return out
}
