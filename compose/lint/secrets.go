package lint

import (
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/secret"
)

var secretRules = []Rule{
	{ID: "secret-in-environment", Severity: diag.Warning, Title: "a password, token or key stands in the file", check: each(secretInEnvironment),
		Why: "It gets into version control, and into what `inspect` shows.",
		Fix: "Give it as a secret: `secrets:` with `file:` or `environment:`; many images read `NAME_FILE`. Or take it from a variable: `${NAME:?}`."},
	{ID: "secret-in-build-args", Severity: diag.Warning, Title: "a build argument is a password, token or key", check: each(secretInBuildArgs),
		Why: "Arguments stay in the history of the image, for everyone who has it.",
		Fix: "Use `build.secrets`, and `RUN --mount=type=secret` in the Dockerfile."},
}

func secretInEnvironment(s Service) []Finding {
	var out []Finding
	for _, v := range s.Environment {
		if !v.Given {
			continue
		}
		switch {
		case secret.Named(v.Name, v.Value):
			hint := "take it from a variable: ${" + v.Name + ":?}, or from a secret"
			out = append(out, s.about(v.At, v.Name+" is written in the file", hint))
		case secret.InURL(v.Value):
			out = append(out, s.about(v.At, v.Name+" is a URL with a password in it", "take the password from a variable"))
		}
	}
	return out
}

func secretInBuildArgs(s Service) []Finding {
	var out []Finding
	for _, v := range s.BuildArgs {
		if secret.Named(v.Name, v.Value) && !strings.HasPrefix(strings.ToUpper(v.Name), "PUBLIC_") {
			out = append(out, s.about(v.At, "build argument "+v.Name+" stays in the image's history", "use build.secrets"))
		}
	}
	return out
}
