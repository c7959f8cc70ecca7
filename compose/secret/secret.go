// Package secret tells what looks like a password, token or key: by the name that it has, or by itself. It never gives the value.
package secret

import "regexp"

// name is the end of the name of a variable that holds a secret itself; FILE, TTL and the like behind it mean something else.
var name = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASSPHRASE|SECRET|(^|_)TOKEN|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|ENCRYPTION_KEY|CREDENTIALS?|_PASS|_PWD)$`)

// harmless are values that switch something or say where the secret is.
var harmless = regexp.MustCompile(`(?i)^(|true|false|yes|no|on|off|none|null|[01]|/.*|[{<].*)$`)

// Named tells whether a variable of that name, with that value, holds a secret.
func Named(variable, value string) bool {
	return name.MatchString(variable) && !harmless.MatchString(value)
}

// inURL is a password within a URL.
var inURL = regexp.MustCompile(`^\w[\w+.-]*://[^:/@\s]*:([^@/\s]+)@`)

// InURL tells whether a value is a URL with a password in it.
func InURL(value string) bool { return inURL.MatchString(value) }

// kinds of secrets that can be told by their form, as those who issue them document it.
var kinds = []struct {
	kind string
	form *regexp.Regexp
}{
	{"private key", regexp.MustCompile(`-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----`)},
	{"AWS access key", regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"Docker token", regexp.MustCompile(`\bdckr_(pat|oat)_[\w-]{20,}`)},
	{"GitHub token", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})`)},
	{"GitLab token", regexp.MustCompile(`\bglpat-[\w-]{20,}`)},
	{"Google API key", regexp.MustCompile(`\bAIza[\w-]{35}`)},
	{"npm token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"SendGrid key", regexp.MustCompile(`\bSG\.[\w-]{16,}\.[\w-]{16,}`)},
	{"Slack token", regexp.MustCompile(`\bxox[abeoprs]-[\w-]{10,}`)},
	{"Stripe key", regexp.MustCompile(`\b[rs]k_live_[A-Za-z0-9]{16,}`)},
	{"JSON web token", regexp.MustCompile(`\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}`)},
	{"password in a URL", regexp.MustCompile(`\b\w[\w+.-]*://[^:/@\s]*:[^@/\s"']+@`)},
	{"bearer token", regexp.MustCompile(`(?i)\bbearer [a-z0-9._~+/-]{20,}`)},
}

// Kind of a secret that is in a line of text, whatever its name; "" if none can be told.
func Kind(text string) string {
	for _, k := range kinds {
		if k.form.MatchString(text) {
			return k.kind
		}
	}
	return ""
}
