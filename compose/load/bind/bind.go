// Package bind makes compose-go's services of a merged tree, as compose-go's own decoder does but in a fraction of its time: what
// becomes of a type is found out once. What it does not know for certain it leaves to that decoder.
package bind

import (
	"reflect"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
)

// Service is the service that a tree describes; not ok if it holds anything that is left to compose-go's decoder, such as
// what that refuses.
func Service(name string, from map[string]any) (c types.ServiceConfig, ok bool) {
	defer func() {
		if recover() != nil { // compose-go's types take some values for granted
			c, ok = types.ServiceConfig{}, false
		}
	}()
	ok = of(reflect.TypeFor[types.ServiceConfig]())(reflect.ValueOf(&c).Elem(), from)
	c.Name = name
	return c, ok
}

// set puts a value of a tree into an addressable one that is zero. It tells whether it could.
type set func(to reflect.Value, from any) bool

var known sync.Map // type → set

// of a type is its set. While one is made, those of types that hold themselves are looked up when they are used.
func of(t reflect.Type) set {
	if s, ok := known.Load(t); ok {
		return s.(set)
	}
	s := orNil(choose(t))
	known.Store(t, s)
	return s
}

func orNil(s set) set {
	return func(to reflect.Value, from any) bool { return from == nil || s(to, from) }
}

// selfMade are types of compose-go that read a tree themselves.
type selfMade interface{ DecodeMapstructure(any) error }

func choose(t reflect.Type) set {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[selfMade]()) {
		return func(to reflect.Value, from any) bool {
			return noExtension(from) && to.Addr().Interface().(selfMade).DecodeMapstructure(from) == nil
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return pointer(t)
	case reflect.Struct:
		return structure(t)
	case reflect.Map:
		return mapping(t)
	case reflect.Slice:
		return list(t)
	}
	return scalar(t.Kind())
}

// noExtension tells whether no key is one that compose-go takes for an extension, wherever it stands.
func noExtension(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if strings.HasPrefix(k, "x-") || !noExtension(e) {
				return false
			}
		}
	case []any:
		for _, e := range v {
			if !noExtension(e) {
				return false
			}
		}
	}
	return true
}

func pointer(t reflect.Type) set {
	elem := of(t.Elem())
	return func(to reflect.Value, from any) bool {
		p := reflect.New(t.Elem())
		to.Set(p)
		return elem(p.Elem(), from)
	}
}

func mapping(t reflect.Type) set {
	if t.Key().Kind() != reflect.String {
		return never
	}
	elem := of(t.Elem())
	return func(to reflect.Value, from any) bool {
		m, ok := from.(map[string]any)
		if !ok {
			return false
		}
		out := reflect.MakeMapWithSize(t, len(m))
		for k, v := range m {
			e := reflect.New(t.Elem()).Elem()
			if strings.HasPrefix(k, "x-") || !elem(e, v) {
				return false
			}
			out.SetMapIndex(reflect.ValueOf(k).Convert(t.Key()), e)
		}
		to.Set(out)
		return true
	}
}

func list(t reflect.Type) set {
	elem := of(t.Elem())
	return func(to reflect.Value, from any) bool {
		l, ok := from.([]any)
		if !ok || l == nil {
			return false
		}
		out := reflect.MakeSlice(t, len(l), len(l))
		for i, v := range l {
			if !elem(out.Index(i), v) {
				return false
			}
		}
		to.Set(out)
		return true
	}
}

func never(reflect.Value, any) bool { return false }
