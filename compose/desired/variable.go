package desired

import "github.com/tutti-run/tutti/compose/diag"

// Variable of a service's containers, and all that sets it.
type Variable struct {
	Name    string
	Sources []Source // in order of precedence: the first one wins
}

// Source of a value.
type Source struct {
	Kind        SourceKind
	Place       diag.Place // zero: it has none
	Value       string
	PassThrough bool // environment only names it, without a value
	Unset       bool // … and nothing sets it: the container goes without, even if its image has it
	From        []Ingredient
}

// Ingredient is a variable that was put into a value, in the order of the text. One that passes through is its own.
type Ingredient struct {
	Name  string
	Value string // what stands in the text for it
	Kind  SourceKind
	Place diag.Place // zero: it has none
}

// SourceKind says what sets a variable.
type SourceKind string

// The kinds of sources of a container's variable, in order of precedence. The first two set ingredients, too.
const (
	FromEnvironment SourceKind = "environment" // of a Compose file
	FromEnvFile     SourceKind = "env_file"    // for an ingredient also .env and --env-file
	FromImage       SourceKind = "image"
)

// The other kinds of sources of an ingredient.
const (
	FromShell   SourceKind = "shell"   // the environment of the process
	FromProject SourceKind = "project" // tutti itself: COMPOSE_PROJECT_NAME
	FromDefault SourceKind = "default" // the expression: ${NAME:-text}
	FromNowhere SourceKind = "unset"
)
