package compose_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
)

// variables that web has, without those of its image.
func variables(of ...desired.Variable) func(string) []desired.Variable {
	return func(string) []desired.Variable { return of }
}

func set(name, value string, from ...desired.Ingredient) desired.Variable {
	return desired.Variable{Name: name, Sources: []desired.Source{{Kind: desired.FromEnvironment, Value: value, From: from}}}
}

// valued is "NAME=value", with the values that it hides behind "<".
func valued(all []desired.Variable) string {
	var out []string
	for _, v := range all {
		var values []string
		for _, s := range v.Sources {
			values = append(values, s.Value)
		}
		out = append(out, v.Name+"="+strings.Join(values, "<"))
	}
	return strings.Join(out, " ")
}

func TestExplainTellsWhatUpWouldDo(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: time.Second}, "steady": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		p := shop(service("db", "health"), service("job", "gone"), service("web", "steady", "db healthy"))
		e, err := tool.Explain(t.Context(), p, "web")
		if err != nil || !e.ImageHere || len(e.Changes()) != 1 || e.Changes()[0].Action != plan.Create || len(e.Kept()) > 0 {
			t.Fatalf("at first: %v %+v", err, e)
		}
		p = shop(p.Services[0], p.Services[2])
		up(t, tool, p, compose.UpOptions{Wait: true}, compose.RunOptions{})
		if e, _ = tool.Explain(t.Context(), p, "web"); len(e.Changes()) != 0 || liveNames(e.Kept()) != "shop-web-1" {
			t.Errorf("once it runs: %+v %v", e.Changes(), e.Kept())
		}
		blue := "blue"
		p.Services[1].Container.Environment = map[string]*string{"COLOR": &blue}
		if e, _ = tool.Explain(t.Context(), p, "web"); len(e.Changes()) != 1 || e.Changes()[0].Action != plan.Replace || len(e.Kept()) > 0 {
			t.Errorf("another variable: %+v", e.Changes())
		}
		if e, _ = tool.Explain(t.Context(), p, "db"); len(e.Changes()) != 0 {
			t.Errorf("another service: %+v", e.Changes())
		}
	})
}

func TestExplainKeepsAJobThatHasEnded(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"brief": brief, "steady": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		p := shop(service("job", "brief"), service("web", "steady", "job completed"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		if e, err := tool.Explain(t.Context(), p, "job"); err != nil || len(e.Changes()) > 0 || liveNames(e.Kept()) != "shop-job-1" {
			t.Errorf("%v %+v %v", err, e.Changes(), e.Kept())
		}
	})
}

func TestExplainTellsWhoWaitsForWhom(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: time.Second}, "steady": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		p := shop(service("db", "health"), service("mail", "steady", "web started optional"), service("web", "steady", "db healthy"))
		up(t, tool, p, compose.UpOptions{Services: []string{"db"}, Wait: true}, compose.RunOptions{})
		e, err := tool.Explain(t.Context(), p, "web")
		if err != nil {
			t.Fatal(err)
		}
		if w := e.WaitsFor; len(w) != 1 || w[0].Service != "db" || w[0].Condition != desired.IsHealthy || len(w[0].Containers) != 1 || w[0].Containers[0].Health != "healthy" {
			t.Errorf("waits for %+v", w)
		}
		if w := e.AwaitedBy; len(w) != 1 || w[0].Service != "mail" || w[0].Required || len(w[0].Containers) != 0 {
			t.Errorf("awaited by %+v", w)
		}
	})
}

func TestExplainPutsTheImageBeneath(t *testing.T) {
	f := enginetest.New()
	defer f.Close()
	f.AddImage(enginetest.Image{Ref: "web", Defaults: image.Defaults{Env: []string{"PATH=/bin", "COLOR=white"}}})
	p := shop(service("web", "web"))
	p.Variables = variables(set("COLOR", "red"))
	e, err := compose.Tool{Engine: f}.Explain(t.Context(), p, "web")
	if got := valued(e.Variables); err != nil || got != "COLOR=red<white PATH=/bin" {
		t.Error(got, err)
	}
	if s := e.Variables[1].Sources[0]; s.Kind != desired.FromImage {
		t.Errorf("%+v", s)
	}
}

func TestExplainWithoutTheImage(t *testing.T) {
	f := enginetest.New()
	defer f.Close()
	f.AddImage(enginetest.Image{Ref: "web", Remote: true, Defaults: image.Defaults{Env: []string{"PATH=/bin"}}})
	e, err := compose.Tool{Engine: f}.Explain(t.Context(), shop(service("web", "web")), "web")
	if err != nil || e.ImageHere || len(e.Variables) > 0 || len(e.Changes()) != 2 || e.Changes()[0].Resource.Kind != plan.Image {
		t.Errorf("%v %+v", err, e)
	}
}

func TestExplainHidesSecrets(t *testing.T) {
	f := enginetest.New()
	defer f.Close()
	f.AddImages(steady, "web")
	secret := desired.Ingredient{Name: "API_TOKEN", Value: "hunter2", Kind: desired.FromShell}
	p := shop(service("web", "web"))
	old, now := "hello correct horse", "hello hunter2"
	p.Services[0].Container.Environment = map[string]*string{"GREETING": &old}
	up(t, compose.Tool{Engine: f}, p, compose.UpOptions{}, compose.RunOptions{})
	p.Services[0].Container.Environment = map[string]*string{"GREETING": &now}
	p.Variables = variables(set("DB", "pg://u:hunter2@db"), set("GREETING", now, secret), set("PGPASSWORD", "hunter2"))
	e, err := compose.Tool{Engine: f}.Explain(t.Context(), p, "web")
	if got := valued(e.Variables); err != nil || got != "DB=pg://u:•••@db GREETING=hello ••• PGPASSWORD=•••" {
		t.Error(got, err)
	}
	for _, c := range e.Changes() {
		for _, r := range c.Reasons {
			if r.Text() != "environment.GREETING: changed" {
				t.Error(r.Text())
			}
		}
	}
	told := fmt.Sprint(e.Variables, e.Changes())
	if strings.Contains(told, "hunter2") || strings.Contains(told, "horse") || !strings.Contains(told, field.Hidden) {
		t.Error(told)
	}
}

func TestExplainOfWhatIsNot(t *testing.T) {
	f := enginetest.New()
	defer f.Close()
	p := shop(service("web", "web"))
	if _, err := (compose.Tool{Engine: f}).Explain(t.Context(), p, "wbe"); !errors.Is(err, compose.NoServiceError{Service: "wbe"}) {
		t.Error(err)
	}
	f.CutAfter(0)
	if _, err := (compose.Tool{Engine: f}).Explain(t.Context(), p, "web"); err == nil {
		t.Error("no engine, no error")
	}
}
