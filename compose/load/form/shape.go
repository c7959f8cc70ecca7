package form

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/compose-spec/compose-go/v2/schema"
)

// shape is a node of the Compose specification's JSON schema, as far as it uses the language: references resolved, what
// allOf adds merged in. compose-go's own validator compiles a whole meta-schema first and tells one mistake without its place.
type shape struct {
	types    []string // object, array, string, number, integer, boolean, null
	keys     map[string]*shape
	patterns []pattern
	open     bool // takes keys that it does not name
	items    *shape
	required []string
	enum     []string
	choices  []*shape // oneOf
	min, max *float64
	match    *regexp.Regexp
	unique   bool
}

type pattern struct {
	re    *regexp.Regexp
	shape *shape
}

// specification is the shape of a Compose file.
var specification = sync.OnceValue(func() *shape {
	var root rawShape
	if err := json.Unmarshal([]byte(schema.Schema), &root); err != nil {
		panic(fmt.Sprintf("read the schema in compose-go: %v", err))
	}
	l := linker{defs: root.Defs, done: map[*rawShape]*shape{}, res: map[string]*regexp.Regexp{}}
	return l.link(&root)
})

// Section tells whether the specification names a section of that name.
func Section(name string) bool {
	_, ok := specification().keys[name]
	return ok
}

// rawShape is the schema as written.
type rawShape struct {
	Ref        string               `json:"$ref"`
	Type       typeNames            `json:"type"`
	Properties map[string]*rawShape `json:"properties"`
	Patterns   map[string]*rawShape `json:"patternProperties"`
	Additional *bool                `json:"additionalProperties"`
	Unknown    *bool                `json:"unevaluatedProperties"`
	Items      *rawShape            `json:"items"`
	Required   []string             `json:"required"`
	Enum       []string             `json:"enum"`
	OneOf      []*rawShape          `json:"oneOf"`
	AllOf      []*rawShape          `json:"allOf"`
	Min        *float64             `json:"minimum"`
	Max        *float64             `json:"maximum"`
	Pattern    string               `json:"pattern"`
	Unique     bool                 `json:"uniqueItems"`
	Defs       map[string]*rawShape `json:"$defs"`
}

type typeNames []string

func (t *typeNames) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(t))
	}
	*t = []string{""}
	return json.Unmarshal(b, &(*t)[0])
}

type linker struct {
	defs map[string]*rawShape
	done map[*rawShape]*shape
	res  map[string]*regexp.Regexp
}

func (l *linker) link(r *rawShape) *shape {
	if r == nil {
		return nil
	}
	if r.Ref != "" {
		return l.link(l.defs[r.Ref[len("#/$defs/"):]])
	}
	if s, ok := l.done[r]; ok {
		return s
	}
	s := &shape{types: r.Type, required: r.Required, enum: r.Enum, min: r.Min, max: r.Max, unique: r.Unique, keys: map[string]*shape{}}
	l.done[r] = s
	s.open = (r.Additional == nil || *r.Additional) && (r.Unknown == nil || *r.Unknown)
	if r.Pattern != "" {
		s.match = l.regexp(r.Pattern)
	}
	s.items = l.link(r.Items)
	for _, c := range r.OneOf {
		s.choices = append(s.choices, l.link(c))
	}
	l.properties(s, r)
	return s
}

func (l *linker) properties(s *shape, r *rawShape) {
	for k, p := range r.Properties {
		s.keys[k] = l.link(p)
	}
	for re, p := range r.Patterns {
		s.patterns = append(s.patterns, pattern{l.regexp(re), l.link(p)})
	}
	for _, part := range r.AllOf {
		base := l.link(part)
		for k, p := range base.keys {
			s.keys[k] = p
		}
		s.patterns = append(s.patterns, base.patterns...)
	}
	if len(s.types) == 0 && len(s.keys) > 0 {
		s.types = []string{"object"}
	}
}

func (l *linker) regexp(text string) *regexp.Regexp {
	if l.res[text] == nil {
		l.res[text] = regexp.MustCompile(text)
	}
	return l.res[text]
}

// key is the shape of what a mapping holds under a key, and whether the specification names the key itself.
func (s *shape) key(name string) (sub *shape, named, ok bool) {
	if sub, ok := s.keys[name]; ok {
		return sub, true, true
	}
	for _, p := range s.patterns {
		if p.re.MatchString(name) {
			return p.shape, false, true
		}
	}
	return nil, false, s.open
}

// takes tells whether a node of one of these types can be a value of the shape.
func (s *shape) takes(types ...string) bool {
	if len(s.choices) > 0 {
		return slices.ContainsFunc(s.choices, func(c *shape) bool { return c.takes(types...) })
	}
	return len(s.types) == 0 || slices.ContainsFunc(types, func(t string) bool { return slices.Contains(s.types, t) })
}

// choose is the alternative for a node of one of these types.
func (s *shape) choose(types ...string) *shape {
	for _, c := range s.choices {
		if c.takes(types...) {
			return c.choose(types...)
		}
	}
	return s
}

// words are the types that the shape takes, in the user's words.
func (s *shape) words() []string {
	if len(s.choices) == 0 {
		var out []string
		for _, t := range s.types {
			out = append(out, typeWords[t])
		}
		return out
	}
	var out []string
	for _, c := range s.choices {
		for _, w := range c.words() {
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

var typeWords = map[string]string{
	"object": "a mapping", "array": "a list", "string": "text", "number": "a number", "integer": "a whole number",
	"boolean": "true or false", "null": "empty",
}
