package merged

import (
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// Extension is the key under which a file tells what is tutti's own.
const Extension = "x-tutti"

// OnChange is the signal that a container gets when the content of one of its configs or secrets changes, instead of being made anew: that of the
// reference, or of the service. "": none.
func OnChange(service, ref types.Extensions) string {
	for _, e := range []types.Extensions{ref, service} {
		own, _ := e[Extension].(map[string]any)
		change, _ := own["on_change"].(map[string]any)
		if s, told := change["signal"]; told {
			return Signal(fmt.Sprint(s))
		}
	}
	return ""
}

// Signal by its whole name, or its number as it is; "" if there is none of that name.
func Signal(text string) string {
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	switch n := strings.TrimLeft(name, "0123456789"); {
	case name == "":
		return ""
	case n == "":
		return name
	case slices.Contains(signals, name):
		return "SIG" + name
	}
	return ""
}

// signals that a process can be told something by (Linux).
var signals = strings.Fields("ABRT ALRM CHLD CONT FPE HUP ILL INT IO KILL PIPE PROF PWR QUIT SEGV STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ")
