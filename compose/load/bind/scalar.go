package bind

import (
	"math"
	"reflect"
)

// scalar: numbers and booleans are of many types in a tree, as compose-go puts its own there.
func scalar(k reflect.Kind) set {
	switch k {
	case reflect.String:
		return text
	case reflect.Bool:
		return boolean
	case reflect.Int, reflect.Int64, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return whole
	case reflect.Float32, reflect.Float64:
		return fraction
	}
	return never
}

func text(to reflect.Value, from any) bool {
	s, ok := from.(string)
	to.SetString(s)
	return ok
}

func boolean(to reflect.Value, from any) bool {
	v := reflect.ValueOf(from)
	if v.Kind() != reflect.Bool {
		return false
	}
	to.SetBool(v.Bool())
	return true
}

func whole(to reflect.Value, from any) bool {
	v := reflect.ValueOf(from)
	if v.CanUint() && v.Uint() <= math.MaxInt64 {
		v = reflect.ValueOf(int64(v.Uint()))
	}
	switch {
	case !v.CanInt():
		return false
	case to.CanInt():
		to.SetInt(v.Int())
		return !to.OverflowInt(v.Int())
	}
	to.SetUint(uint64(v.Int()))
	return v.Int() >= 0 && !to.OverflowUint(uint64(v.Int()))
}

func fraction(to reflect.Value, from any) bool {
	switch n := from.(type) {
	case float32:
		to.SetFloat(float64(n))
	case float64:
		to.SetFloat(n)
	case int:
		to.SetFloat(float64(n))
	default:
		return false
	}
	return true
}
