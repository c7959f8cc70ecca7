package secret

import (
	"strings"
	"testing"
)

func TestNamed(t *testing.T) {
	for text, want := range map[string]bool{
		"DB_PASSWORD=x": true, "API_KEY=abc": true, "GITHUB_TOKEN=t": true, "password=changeme": true, "AWS_SECRET_ACCESS_KEY=k": true,
		"DB_PASSWORD_FILE=/run/x": false, "TOKEN_TTL=60": false, "DB_PASSWORD=/run/secrets/db": false, "USE_TOKEN=true": false, "DB_PASSWORD=": false, "LOG_LEVEL=info": false,
	} {
		name, value, _ := strings.Cut(text, "=")
		if got := Named(name, value); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// TestKind: the texts are put together here, so that nobody who looks for secrets finds one.
func TestKind(t *testing.T) {
	many := strings.Repeat("aB3", 14)
	for text, want := range map[string]string{
		"-----BEGIN " + "RSA PRIVATE KEY-----\nx": "private key",
		"-----BEGIN " + "PRIVATE KEY-----":        "private key",
		"-----BEGIN PUBLIC KEY-----":              "",
		"AKIA" + "ABCDEFGHIJ234567":               "AWS access key",
		"dckr_pat_" + many:                        "Docker token",
		"ghp_" + many:                             "GitHub token",
		"glpat-" + many:                           "GitLab token",
		"AIza" + many[:35]:                        "Google API key",
		"npm_" + many[:36]:                        "npm token",
		"xoxb-" + many:                            "Slack token",
		"sk_live_" + many:                         "Stripe key",
		"SG." + many + "." + many:                 "SendGrid key",
		"eyJ" + many + ".eyJ" + many + "." + many: "JSON web token",
		"Authorization: Bearer " + many:           "bearer token",
		"postgres://me:pa55@db/x":                 "password in a URL",
		"postgres://me@db/x":                      "",
		"https://example.com/eyJ":                 "",
		"sk_test_" + many:                         "",
	} {
		if got := Kind(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
