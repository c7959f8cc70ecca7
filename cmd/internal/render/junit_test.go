package render_test

import (
	"bytes"
	"encoding/xml"
	"testing"
	"time"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
)

// Whatever a container writes, the report is XML, and counts right.
func FuzzJUnit(f *testing.F) {
	f.Add("]]><&\"'", "\x00\x1b[31mred\x1b[0m\xff\uFFFE")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, message, line string) {
		var b bytes.Buffer
		cases := []compose.Case{{Suite: "up", Name: message, Took: time.Second}, {Suite: "up", Name: "web", Failure: "no: " + message, Output: []string{line}}, {Suite: "command", Skipped: true}}
		if err := render.JUnit(&b, "shop", 1500*time.Millisecond, cases); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Failures int    `xml:"failures,attr"`
			Time     string `xml:"time,attr"`
			Cases    []struct {
				Failure *struct{} `xml:"failure"`
			} `xml:"testcase"`
		}
		if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Fatalf("%v\n%s", err, b.Bytes())
		}
		if doc.Failures != 1 || doc.Time != "1.500" || len(doc.Cases) != 3 || doc.Cases[1].Failure == nil {
			t.Errorf("%+v\n%s", doc, b.Bytes())
		}
	})
}
