// Package jsonschema stands where compose-go has github.com/santhosh-tekuri/jsonschema/v6, and validates nothing. tutti never has compose-go validate:
// it says itself what a file may hold, with the place of what it may not (compose/load/form). The real one compiles five metaschemas whenever a program
// starts, which was a third of the time of `tutti version`. go.work puts this in its place; `go install` of a version has the real one, which is as
// good, and slower to start.
package jsonschema

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/message"
)

// ErrWithout is what comes of all that is asked.
var ErrWithout = fmt.Errorf("jsonschema: tutti is built without it: %w", errors.ErrUnsupported)

// Compiler compiles nothing.
type Compiler struct{}

func NewCompiler() *Compiler { return &Compiler{} }

func (*Compiler) AddResource(url string, doc any) error { return ErrWithout }

func (*Compiler) RegisterFormat(*Format) {}

func (*Compiler) Compile(url string) (*Schema, error) { return nil, ErrWithout }

func UnmarshalJSON(io.Reader) (any, error) { return nil, ErrWithout }

// Format of a string.
type Format struct {
	Name     string
	Validate func(v any) error
}

// Schema that nothing fits.
type Schema struct{}

func (*Schema) Validate(v any) error { return ErrWithout }

// ValidationError is in no answer.
type ValidationError struct {
	InstanceLocation []string
	ErrorKind        ErrorKind
	Causes           []*ValidationError
}

func (*ValidationError) Error() string { return ErrWithout.Error() }

// ErrorKind of a ValidationError.
type ErrorKind interface {
	LocalizedString(*message.Printer) string
}
