// Package field holds what a resource is made of as flat field paths with canonical texts, and tells which of them differ.
//
// A path is written in the words of the Compose file: "image", "environment.COLOR", "networks.default.aliases".
package field

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

// Set is path → canonical text. Fields at their zero value are absent.
type Set map[string]string

// Put adds v under path, unless it is the zero value of its kind. Maps go in key by key.
func (s Set) Put(path string, v any) {
	switch v := v.(type) {
	case nil:
	case string:
		s.text(path, v)
	case bool:
		if v {
			s[path] = "true"
		}
	case *bool:
		if v != nil {
			s[path] = fmt.Sprint(*v)
		}
	case int:
		s.number(path, int64(v))
	case int64:
		s.number(path, v)
	case *int64:
		if v != nil {
			s[path] = fmt.Sprint(*v)
		}
	case time.Duration:
		if v != 0 {
			s[path] = v.String()
		}
	case *time.Duration:
		if v != nil {
			s[path] = v.String()
		}
	case []string:
		if len(v) > 0 {
			s[path] = list(v)
		}
	case map[string]string:
		for k, e := range v {
			s[path+"."+k] = e
		}
	default:
		panic(fmt.Sprintf("field %s: no canonical text for %T", path, v))
	}
}

// PutSorted adds a list whose order carries no meaning.
func (s Set) PutSorted(path string, v []string) { s.Put(path, slices.Sorted(slices.Values(v))) }

func (s Set) text(path, v string) {
	if v != "" {
		s[path] = v
	}
}

func (s Set) number(path string, v int64) {
	if v != 0 {
		s[path] = fmt.Sprint(v)
	}
}

func list(v []string) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a []string always marshals
	}
	return string(b)
}

// Paths are the paths in order.
func (s Set) Paths() []string { return slices.Sorted(maps.Keys(s)) }

// Digests is path → short digest of the field's text. It says whether a field differs without saying what it holds.
type Digests map[string]string

// Digests of the whole set.
func (s Set) Digests() Digests {
	d := make(Digests, len(s))
	for p, v := range s {
		d[p] = Digest(p, v)
	}
	return d
}

// Digest of one field: 10 hexadecimal digits. The path goes in, so that equal values of two fields cannot be told.
func Digest(path, text string) string {
	sum := sha256.Sum256([]byte(path + "\x00" + text))
	return hex.EncodeToString(sum[:5])
}

// String is the form kept in a label: "path=digest" joined by commas, in order of path.
func (d Digests) String() string {
	parts := make([]string, 0, len(d))
	for p, v := range d {
		parts = append(parts, escape.Replace(p)+"="+v)
	}
	sort.Strings(parts)
	return strings.Join(parts, ",")
}

// Parse reads what String wrote.
func Parse(s string) (Digests, error) {
	d := Digests{}
	if s == "" {
		return d, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		p, v, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("field digests: %q is not path=digest", part)
		}
		d[unescape.Replace(p)] = v
	}
	return d, nil
}

var (
	escape   = strings.NewReplacer("%", "%25", ",", "%2C", "=", "%3D")
	unescape = strings.NewReplacer("%2C", ",", "%3D", "=", "%25", "%")
)

// Label of ours on every resource that we make: the digests of its fields. It says what a resource was made with, and is all the state there is.
const Label = "dev.tutti.fields"

// OwnLabels are those that the user gave: without Docker Compose's and ours.
func OwnLabels(all map[string]string) map[string]string {
	own := map[string]string{}
	for k, v := range all {
		if !strings.HasPrefix(k, "com.docker.compose.") && !strings.HasPrefix(k, "dev.tutti.") {
			own[k] = v
		}
	}
	return own
}

// Differing are the paths whose digests differ between want and have, in order.
func (d Digests) Differing(have Digests) []string {
	var out []string
	for p, v := range d {
		if have[p] != v {
			out = append(out, p)
		}
	}
	for p := range have {
		if _, ok := d[p]; !ok {
			out = append(out, p)
		}
	}
	sort.Strings(out)
	return out
}

// Change is one field that differs. Old is what was found; OldKnown is false while nobody has looked.
type Change struct {
	Path     string `json:"path"`
	Old      string `json:"old,omitempty"`
	New      string `json:"new,omitempty"`
	OldKnown bool   `json:"oldKnown"`
	// Drift: the file did not change, the resource was changed behind its back.
	Drift bool `json:"drift,omitempty"`
	// Note says where the value comes from, if not from the service itself: "web.env".
	Note string `json:"note,omitempty"`
}

// Mask hides what looks secret: both values where the path names something secret, else passwords within them.
func (c Change) Mask() Change {
	if Secret(c.Path) {
		return c.Hide()
	}
	c.Old, c.New = maskWithin(c.Old), maskWithin(c.New)
	return c
}

// Hide both values, whatever the path says.
func (c Change) Hide() Change {
	c.Old, c.New = mask(c.Old), mask(c.New)
	return c
}

func mask(v string) string {
	if v == "" {
		return ""
	}
	return Hidden
}

// Hidden stands for what is masked.
const Hidden = "•••"

// Secret tells whether the last part of a path names something secret: a password, token, key or credential.
func Secret(path string) bool {
	name := strings.ToUpper(path[strings.IndexByte(path, '.')+1:])
	for _, w := range []string{"PASSW", "SECRET", "TOKEN", "APIKEY", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL", "_PWD", "_PASS", "_DSN", "_KEY", "DATABASE_URL", "AUTH"} {
		if strings.Contains(name, w) {
			return strings.Contains(path, ".")
		}
	}
	return false
}

var (
	// of a URL: user:password@
	urlPassword = regexp.MustCompile(`(\w://[^:/@\s"]*:)[^@/\s"]+@`)
	// of a command: --db-password=x, "--token","x", PASSWORD=x
	namedSecret = regexp.MustCompile(`(?i)((?:` + strings.Join(secretWords, "|") + `)[\w-]*(?:=|","))[^"\s,]+`)
	secretWords = []string{"passw", "secret", "token", "api_key", "api-key", "apikey", "credential"}
)

// maskWithin looks for the words first: expressions cost much more, and most values hold nothing.
func maskWithin(text string) string {
	if strings.Contains(text, "://") {
		text = urlPassword.ReplaceAllString(text, "${1}•••@")
	}
	lower := strings.ToLower(text)
	if slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(lower, w) }) {
		text = namedSecret.ReplaceAllString(text, "${1}•••")
	}
	return text
}
