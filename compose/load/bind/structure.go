package bind

import (
	"reflect"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
)

// field of a struct, or of one that is embedded in it.
type field struct {
	index []int
	set   set
}

func structure(t reflect.Type) set {
	fields := sync.OnceValue(func() map[string]field { return fieldsOf(t) })
	own, extensible := t.FieldByName("Extensions")
	return func(to reflect.Value, from any) bool {
		m, ok := from.(map[string]any)
		if !ok {
			return false
		}
		more := types.Extensions{}
		for k, v := range m {
			f, ok := fields()[k]
			switch {
			case ok && !f.set(to.FieldByIndex(f.index), v):
				return false
			case !ok && (!extensible || !strings.HasPrefix(k, "x-")):
				return false
			case !ok:
				more[k] = v
			}
		}
		if len(more) > 0 {
			to.FieldByIndex(own.Index).Set(reflect.ValueOf(more))
		}
		return true
	}
}

// fieldsOf a struct by their names in YAML. One without a name is left to compose-go's decoder, which tries all spellings.
func fieldsOf(t reflect.Type) map[string]field {
	out := map[string]field{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.Anonymous && name != "" && name != "-" && !strings.HasPrefix(name, "#") {
			out[name] = field{f.Index, of(f.Type)}
		}
	}
	return out
}
