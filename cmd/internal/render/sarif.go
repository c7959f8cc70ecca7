package render

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/lint"
)

// The parts of SARIF 2.1.0 that findings need (OASIS, sarif-v2.1.0). Writing them takes a few structs; a library would be in
// the program for nothing else, and brings a schema compiler along.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"semanticVersion,omitempty"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string      `json:"id"`
		Short   sarifText   `json:"shortDescription"`
		Full    sarifText   `json:"fullDescription"`
		Help    sarifText   `json:"help"`
		HelpURI string      `json:"helpUri"`
		Default sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Enabled bool   `json:"enabled"`
		Level   string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Fixes        []sarifFix         `json:"fixes,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifSuppression struct {
		Kind   string `json:"kind"`
		Reason string `json:"justification,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`
		Inserted sarifText   `json:"insertedContent"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	home        = "https://github.com/tutti-run/tutti"
	lintHelp    = home + "/blob/main/docs/lint.md#"
)

// LintSARIF is the report as SARIF 2.1.0, with what a file ignores as suppressed.
func LintSARIF(w io.Writer, r lint.Report, version string) error {
	rules := lint.Rules()
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "tutti", Version: semantic(version), URI: home}
	for _, r := range rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: r.ID, Short: sarifText{r.Title}, Full: sarifText{r.Why}, Help: sarifText{r.Fix}, HelpURI: lintHelp + r.ID,
			Default: sarifConfig{Enabled: !r.Off, Level: sarifLevel(r.Severity)},
		})
	}
	for _, f := range r.Findings {
		run.Results = append(run.Results, sarifOf(f, rules))
	}
	for _, f := range r.Ignored {
		s := sarifOf(f, rules)
		s.Suppressions = []sarifSuppression{{"inSource", f.Reason}}
		run.Results = append(run.Results, s)
	}
	return indented(w, sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

// semantic is a version without the v that tags have.
func semantic(version string) string {
	if len(version) > 1 && version[0] == 'v' && version[1] >= '0' && version[1] <= '9' {
		return version[1:]
	}
	return ""
}

func sarifLevel(s diag.Severity) string {
	if s == diag.Info {
		return "note"
	}
	return string(s)
}

func sarifOf(f lint.Finding, rules []lint.Rule) sarifResult {
	message := f.Text
	if f.Hint != "" {
		message += "; " + f.Hint
	}
	r := sarifResult{
		RuleID: f.Rule, RuleIndex: slices.IndexFunc(rules, func(r lint.Rule) bool { return r.ID == f.Rule }), Level: sarifLevel(f.Severity),
		Message: sarifText{message}, Fingerprints: map[string]string{"tutti/v1": fingerprint(f)},
	}
	if f.Place.File != "" {
		at := sarifPhysical{Artifact: artifact(f.Place.File)}
		if f.Place.Line > 0 {
			at.Region = &sarifRegion{StartLine: f.Place.Line, StartColumn: f.Place.Column}
		}
		l := sarifLocation{Physical: at}
		if f.Path != "" {
			l.Logical = []sarifLogical{{f.Path}}
		}
		r.Locations = []sarifLocation{l}
	}
	if len(f.Edits) > 0 {
		r.Fixes = []sarifFix{{sarifText{f.Hint}, changes(f.Edits)}}
	}
	return r
}

// changes are edits by file.
func changes(edits []lint.Edit) []sarifChange {
	var out []sarifChange
	for _, e := range edits {
		i := slices.IndexFunc(out, func(c sarifChange) bool { return c.Artifact == artifact(e.From.File) })
		if i < 0 {
			out = append(out, sarifChange{Artifact: artifact(e.From.File)})
			i = len(out) - 1
		}
		region := sarifRegion{e.From.Line, e.From.Column, e.To.Line, e.To.Column}
		out[i].Replacements = append(out[i].Replacements, sarifReplacement{region, sarifText{e.Text}})
	}
	return out
}

// artifact of a file: relative to where the command ran, or absolute.
func artifact(file string) sarifArtifact {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return sarifArtifact{u.String()}
}

// fingerprint of a finding stays when lines move.
func fingerprint(f lint.Finding) string {
	sum := sha256.Sum256([]byte(f.Rule + "\x00" + f.Place.File + "\x00" + f.Path + "\x00" + f.Text))
	return hex.EncodeToString(sum[:8])
}
