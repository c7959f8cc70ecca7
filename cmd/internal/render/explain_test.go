package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/container"
)

func at(file string, line, column int) diag.Place {
	return diag.Place{File: file, Line: line, Column: column}
}

// explained is a service with all that can be told of one.
func explained() compose.Explanation {
	wait := func(service string, c desired.Condition, of ...container.Live) compose.Wait {
		return compose.Wait{Dependency: desired.Dependency{Service: service, Condition: c, Required: true, Via: "depends_on"}, Containers: of}
	}
	cache, mail := wait("cache", desired.Started), wait("mail", desired.Started, container.Live{Name: "shop-mail-1", State: container.Running})
	cache.Required, mail.Via, mail.Restart = false, "links", true
	environment := func(place diag.Place, value string, from ...desired.Ingredient) desired.Source {
		return desired.Source{Kind: desired.FromEnvironment, Place: place, Value: value, From: from}
	}
	return compose.Explanation{
		Project: "shop", Service: "web", Image: "nginx:alpine", ImageHere: true, Plan: rich(),
		Containers: []container.Live{{Name: "shop-web-1", State: container.Running}, {Name: "shop-web-9", State: container.Running, Health: container.Healthy}},
		WaitsFor: []compose.Wait{
			cache,
			wait("db", desired.IsHealthy, container.Live{Name: "shop-db-1", State: container.Running, Health: container.Healthy},
				container.Live{Name: "shop-db-2", State: container.Running, Health: container.Unhealthy}),
			wait("migrate", desired.Completed, container.Live{Name: "shop-migrate-1", State: container.Exited}),
		},
		AwaitedBy: []compose.Wait{mail},
		Variables: []desired.Variable{
			{Name: "COLOR", Sources: []desired.Source{
				environment(at("compose.override.yaml", 5, 7), "blue", desired.Ingredient{Name: "COLOR", Kind: desired.FromShell}),
				environment(at("compose.yaml", 9, 7), "red"),
				{Kind: desired.FromEnvFile, Place: at("web.env", 3, 0), Value: "green"},
				{Kind: desired.FromImage, Value: "white"},
			}},
			{Name: "DATABASE", Sources: []desired.Source{environment(at("compose.yaml", 10, 7), "postgres://shop:•••@db:5432/shop?sslmode=off",
				desired.Ingredient{Name: "DB_PASSWORD", Kind: desired.FromEnvFile, Place: at(".env", 2, 0)},
				desired.Ingredient{Name: "PORT", Kind: desired.FromDefault}, desired.Ingredient{Name: "MODE", Kind: desired.FromNowhere})}},
			{Name: "EMPTY", Sources: []desired.Source{environment(at("compose.yaml", 11, 7), "", desired.Ingredient{Name: "COMPOSE_PROJECT_NAME", Kind: desired.FromProject})}},
			{Name: "GONE", Sources: []desired.Source{
				{Kind: desired.FromEnvironment, Place: at("compose.yaml", 12, 7), PassThrough: true, Unset: true, From: []desired.Ingredient{{Name: "GONE", Kind: desired.FromNowhere}}},
				{Kind: desired.FromEnvFile, Place: at("web.env", 4, 0), Value: "a\tb\x1b[31m"},
			}},
			{Name: "TERM", Sources: []desired.Source{{Kind: desired.FromEnvironment, Place: at("compose.yaml", 13, 7), Value: "xterm", PassThrough: true,
				From: []desired.Ingredient{{Name: "TERM", Kind: desired.FromShell}}}}},
			{Name: "THE_NAME_OF_THIS_ONE_IS_VERY_LONG", Sources: []desired.Source{{Kind: desired.FromImage, Value: strings.Repeat("/usr/local/bin:", 8)}}},
		},
	}
}

func explanation(e compose.Explanation, s Style) string {
	var b bytes.Buffer
	if err := Explain(&b, e, s); err != nil {
		panic(err)
	}
	return b.String()
}

func TestExplain(t *testing.T) {
	for _, width := range []int{0, 40, 80, 120} {
		got := explanation(explained(), Style{Width: width})
		noEscapes(t, got)
		narrow(t, got, width)
		golden(t, fmt.Sprintf("explain-%d.txt", width), got)
	}
	coloured := explanation(explained(), Style{Color: true, Width: 80})
	golden(t, "explain-colour.txt", coloured)
	if ansi.Strip(coloured) != explanation(explained(), Style{Width: 80}) {
		t.Error("colours change more than colours")
	}
}

func TestExplainWidths(t *testing.T) {
	for width := 40; width <= 200; width++ {
		narrow(t, explanation(explained(), Style{Width: width}), width)
	}
	_ = explanation(explained(), Style{Width: 3}) // does not panic
}

func TestExplainLittle(t *testing.T) {
	golden(t, "explain-little.txt", explanation(compose.Explanation{Service: "web", Image: "nginx", Plan: plan.Plan{Project: "shop"}}, Style{Width: 80}))
}

func TestExplainJSON(t *testing.T) {
	for name, e := range map[string]compose.Explanation{"all": explained(), "little": {Project: "shop", Service: "web", Image: "nginx"}} {
		var b bytes.Buffer
		if err := ExplainJSON(&b, e); err != nil || !json.Valid(b.Bytes()) {
			t.Error(name, err)
		}
		golden(t, "explain-"+name+".json", b.String())
	}
}
