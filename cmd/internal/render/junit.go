package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose"
)

type (
	suiteDoc struct {
		XMLName  xml.Name  `xml:"testsuite"`
		Name     string    `xml:"name,attr"`
		Tests    int       `xml:"tests,attr"`
		Failures int       `xml:"failures,attr"`
		Skipped  int       `xml:"skipped,attr"`
		Time     string    `xml:"time,attr"`
		Cases    []caseDoc `xml:"testcase"`
	}
	caseDoc struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Time    string      `xml:"time,attr"`
		Failure *failureDoc `xml:"failure"`
		Skipped *struct{}   `xml:"skipped"`
	}
	failureDoc struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the cases of a ci run as one test suite of JUnit's XML. What XML cannot hold is shown in other characters.
func JUnit(w io.Writer, name string, took time.Duration, cases []compose.Case) error {
	doc := suiteDoc{Name: name, Tests: len(cases), Time: junitTime(took)}
	for _, c := range cases {
		d := caseDoc{Class: name + "." + c.Suite, Name: tame(c.Name), Time: junitTime(c.Took)}
		switch {
		case c.Failure != "":
			doc.Failures++
			text := tameLines(c.Failure)
			first, _, _ := strings.Cut(text, "\n")
			d.Failure = &failureDoc{first, text + "\n" + tameLines(strings.Join(c.Output, "\n"))}
		case c.Skipped:
			doc.Skipped++
			d.Skipped = &struct{}{}
		}
		doc.Cases = append(doc.Cases, d)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
