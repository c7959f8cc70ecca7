package docker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/engine"
)

const stamp = "2026-01-02T03:04:05.000000006Z "

func frame(stream byte, text string) string {
	var head [8]byte
	head[0] = stream
	binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
	return string(head[:]) + text
}

func lines(t testing.TB, stream string, size int) []string {
	var out []string
	err := split(bufio.NewReaderSize(strings.NewReader(stream), size), func(l engine.LogLine) error {
		if !l.Time.Equal(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)) {
			t.Errorf("%q: time %s", l.Text, l.Time)
		}
		if l.Stderr {
			l.Text = "!" + l.Text
		}
		out = append(out, l.Text)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for name, c := range map[string]struct {
		stream string
		want   []string
	}{
		"nothing":              {"", nil},
		"two streams":          {frame(1, stamp+"one\n") + frame(2, stamp+"two\n") + frame(1, stamp+"\n"), []string{"one", "!two", ""}},
		"a line in parts":      {frame(1, stamp+"on") + frame(2, stamp+"two\n") + frame(1, stamp+"e\n"), []string{"!two", "one"}},
		"several in a frame":   {frame(1, stamp+"one\n"+stamp+"two\r\n"), []string{"one", "two"}},
		"a long one":           {frame(1, stamp+long+"\n"), []string{long}},
		"an end without":       {frame(1, stamp+"one"), []string{"one"}},
		"a frame cut off":      {frame(1, stamp+"one\n") + "\x01\x00", []string{"one"}},
		"a terminal":           {stamp + "one\r\n" + stamp + long + "\r\n" + stamp + "last", []string{"one", long, "last"}},
		"a terminal, one word": {stamp + "x", []string{"x"}},
	} {
		for _, size := range []int{16, 4096, 64 << 10} {
			if got := lines(t, c.stream, size); !slices.Equal(got, c.want) {
				t.Errorf("%s: got %.80q, want %.80q", name, got, c.want)
			}
		}
	}
}

// TestMore: a line says that more follows only where the reader holds the whole of the next.
func TestMore(t *testing.T) {
	for name, c := range map[string]struct {
		arrives []string // at a time
		want    string   // of each line: + where it has more
	}{
		"together":          {[]string{frame(1, stamp+"one\n") + frame(2, stamp+"two\n")}, "+-"},
		"one by one":        {[]string{frame(1, stamp+"one\n"), frame(2, stamp+"two\n")}, "--"},
		"half of the next":  {[]string{frame(1, stamp+"one\n") + frame(1, stamp+"two\n")[:20], frame(1, stamp+"two\n")[20:]}, "--"},
		"a part of a line":  {[]string{frame(1, stamp+"one\n") + frame(1, stamp+"tw"), frame(1, stamp+"o\n")}, "--"},
		"in a frame":        {[]string{frame(1, stamp+"one\n"+stamp+"two\n"+stamp+"thr"), frame(1, stamp+"ee\n")}, "+--"},
		"an error follows":  {[]string{frame(1, stamp+"one\n") + frame(3, "no\n")}, "-"},
		"an empty one next": {[]string{frame(1, stamp+"one\n") + frame(1, ""), frame(1, stamp+"two\n")}, "--"},
	} {
		in, out := io.Pipe()
		go func() {
			for _, some := range c.arrives {
				_, _ = io.WriteString(out, some)
			}
			_ = out.Close()
		}()
		got := ""
		_ = split(bufio.NewReader(in), func(l engine.LogLine) error {
			got += map[bool]string{true: "+", false: "-"}[l.More]
			return nil
		})
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, text := range []string{"2026-01-02T03:04:05.000000006Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.12Z", "2026-12-31T23:59:59.999999999+02:00"} {
		want, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := parseTime([]byte(text)); !ok || !got.Equal(want) {
			t.Errorf("%s: %s", text, got)
		}
	}
	for _, text := range []string{"", "hello", "2026-01-02 03:04:05Z", "2026-0x-02T03:04:05.0Z"} {
		if _, ok := parseTime([]byte(text)); ok {
			t.Errorf("%q is no time", text)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(frame(1, stamp+"one\n") + frame(2, stamp+"two")))
	f.Add([]byte(stamp + "one\n"))
	f.Add([]byte{1, 0, 0, 0, 0xff, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 7 && b[4] > 0 {
			return // frames of megabytes are the engine's own doing
		}
		_ = split(bufio.NewReader(bytes.NewReader(b)), func(l engine.LogLine) error {
			if strings.Contains(l.Text, "\n") {
				t.Errorf("%q", l.Text)
			}
			return nil
		})
	})
}

func BenchmarkLines(b *testing.B) {
	var s strings.Builder
	for i := range 1000 {
		s.WriteString(frame(1, stamp+fmt.Sprintf("line %d of a program that tells of what it does at some length\n", i)))
	}
	stream := s.String()
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		n := 0
		_ = split(bufio.NewReaderSize(strings.NewReader(stream), 64<<10), func(engine.LogLine) error { n++; return nil })
		if n != 1000 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
