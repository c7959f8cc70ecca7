package lint

import (
	"regexp"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
)

var secretRules = []Rule{
	{ID: "secret-in-environment", Severity: diag.Warning, Title: "a password, token or key stands in the file", check: each(secretInEnvironment),
		Why: "It gets into version control, and into what `inspect` shows.",
		Fix: "Give it as a secret: `secrets:` with `file:` or `environment:`; many images read `NAME_FILE`. Or take it from a variable: `${NAME:?}`."},
	{ID: "secret-in-build-args", Severity: diag.Warning, Title: "a build argument is a password, token or key", check: each(secretInBuildArgs),
		Why: "Arguments stay in the history of the image, for everyone who has it.",
		Fix: "Use `build.secrets`, and `RUN --mount=type=secret` in the Dockerfile."},
}

// secretName is the end of the name of a variable that holds a secret itself; FILE, TTL and the like behind it mean something else.
var secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASSPHRASE|SECRET|(^|_)TOKEN|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|ENCRYPTION_KEY|CREDENTIALS?|_PASS|_PWD)$`)

// notSecret are values that switch something or say where the secret is.
var notSecret = regexp.MustCompile(`(?i)^(|true|false|yes|no|on|off|none|null|[01]|/.*|[{<].*)$`)

// urlPassword is a password within a URL.
var urlPassword = regexp.MustCompile(`^\w[\w+.-]*://[^:/@\s]*:([^@/\s]+)@`)

func secretInEnvironment(s Service) []Finding {
	var out []Finding
	for _, v := range s.Environment {
		if !v.Given {
			continue
		}
		switch {
		case secretName.MatchString(v.Name) && !notSecret.MatchString(v.Value):
			hint := "take it from a variable: ${" + v.Name + ":?}, or from a secret"
			out = append(out, s.about(v.At, v.Name+" is written in the file", hint))
		case urlPassword.MatchString(v.Value):
			out = append(out, s.about(v.At, v.Name+" is a URL with a password in it", "take the password from a variable"))
		}
	}
	return out
}

func secretInBuildArgs(s Service) []Finding {
	var out []Finding
	for _, v := range s.BuildArgs {
		if secretName.MatchString(v.Name) && !strings.HasPrefix(strings.ToUpper(v.Name), "PUBLIC_") && !notSecret.MatchString(v.Value) {
			out = append(out, s.about(v.At, "build argument "+v.Name+" stays in the image's history", "use build.secrets"))
		}
	}
	return out
}
