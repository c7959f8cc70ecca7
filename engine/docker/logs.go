package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
)

// logs reads what containers wrote.
type logs struct{ c *conn }

// Logs asks for times always, so that lines of several containers can be put in order.
func (l logs) Logs(ctx context.Context, id string, o engine.LogOptions, line func(engine.LogLine) error) error {
	what := "read logs of container " + short(id)
	api := l.c.api
	if o.Follow {
		api = l.c.calm()
	}
	body, err := api.ContainerLogs(ctx, id, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: o.Follow, Tail: o.Tail, Since: o.Since, Until: o.Until,
	})
	if err != nil {
		return failed(err, what)
	}
	defer body.Close()
	err = split(bufio.NewReaderSize(body, 32<<10), line)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failed(err, what)
}

// split reads the engine's stream: frames with an eight-byte head [stream 0 0 0 size], or, of a container with a terminal, plain
// lines. A head is told from a line by its zeros: a line begins with a year.
func split(r *bufio.Reader, line func(engine.LogLine) error) error {
	head, err := r.Peek(8)
	if len(head) == 8 && head[0] <= 3 && head[1] == 0 && head[2] == 0 && head[3] == 0 {
		return splitFrames(r, line)
	}
	if err != nil && err != io.EOF {
		return err
	}
	return splitLines(r, line)
}

// splitFrames: one frame is one line, or a part of one when it is longer than the engine's buffer; then the next frame of that
// stream goes on, with a time of its own in front.
func splitFrames(r *bufio.Reader, line func(engine.LogLine) error) error {
	var head [8]byte
	var buf []byte
	var rest [4]*begun // by stream
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return flush(rest, ended(err), line)
		}
		size := int(binary.BigEndian.Uint32(head[4:]))
		frame, err := peek(r, size, &buf)
		if err != nil {
			return flush(rest, ended(err), line)
		}
		stream := head[0] & 3
		if stream == 3 {
			return fmt.Errorf("%s", frame)
		}
		if err := takeFrame(frame, stream, &rest, r, line); err != nil {
			return err
		}
	}
}

// another tells whether a reader holds one more whole line.
func another(r *bufio.Reader) bool {
	held, _ := r.Peek(r.Buffered())
	if len(held) <= 8 || held[0] == 3 {
		return false
	}
	size := int64(binary.BigEndian.Uint32(held[4:]))
	return size > 0 && int64(len(held)-8) >= size && held[8+size-1] == '\n'
}

// begun is a line whose end has not come yet.
type begun struct {
	at   time.Time
	text []byte
}

func (b begun) line(stream byte) engine.LogLine {
	return engine.LogLine{Time: b.at, Stderr: stream == 2, Text: string(bytes.TrimSuffix(b.text, carriage))}
}

// takeFrame gives the lines that end in a frame, behind which r goes on.
func takeFrame(frame []byte, stream byte, rest *[4]*begun, r *bufio.Reader, line func(engine.LogLine) error) error {
	for len(frame) > 0 {
		text, more, whole := bytes.Cut(frame, newline)
		at, text := cutTime(text)
		frame = more
		l := rest[stream]
		if l != nil {
			l.text = append(l.text, text...)
		} else if !whole {
			l = &begun{at, bytes.Clone(text)} // the frame's bytes go with the next read
		}
		if rest[stream] = l; !whole {
			return nil
		}
		done := begun{at, text}
		if l != nil {
			done, rest[stream] = *l, nil
		}
		out := done.line(stream)
		out.More = bytes.IndexByte(frame, '\n') >= 0 || len(frame) == 0 && another(r)
		if err := line(out); err != nil {
			return err
		}
	}
	return nil
}

var newline, carriage = []byte{'\n'}, []byte{'\r'}

// peek gives size bytes, out of the reader's own buffer when they fit.
func peek(r *bufio.Reader, size int, buf *[]byte) ([]byte, error) {
	if size <= r.Size() {
		b, err := r.Peek(size)
		if err != nil {
			return nil, err
		}
		_, err = r.Discard(size) // the bytes stay valid until the next read
		return b, err
	}
	if cap(*buf) < size {
		*buf = make([]byte, size)
	}
	b := (*buf)[:size]
	_, err := io.ReadFull(r, b)
	return b, err
}

func flush(rest [4]*begun, err error, line func(engine.LogLine) error) error {
	for stream, b := range rest {
		if b == nil {
			continue
		}
		if e := line(b.line(byte(stream))); e != nil {
			return e
		}
	}
	return err
}

// ended: the engine cuts the stream when the container goes.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

func splitLines(r *bufio.Reader, line func(engine.LogLine) error) error {
	for {
		text, err := r.ReadBytes('\n')
		if len(text) > 0 {
			at, text := cutTime(bytes.TrimRight(text, "\r\n"))
			if e := line(engine.LogLine{Time: at, Text: string(text)}); e != nil {
				return e
			}
		}
		if err != nil {
			return ended(err)
		}
	}
}

// cutTime takes "2006-01-02T15:04:05.000000000Z " from the front; what has none stays as it is.
func cutTime(b []byte) (time.Time, []byte) {
	i := bytes.IndexByte(b, ' ')
	stamp := b
	if i >= 0 {
		stamp = b[:i]
	}
	t, ok := parseTime(stamp)
	switch {
	case !ok:
		return time.Time{}, b
	case i < 0:
		return t, nil
	}
	return t, b[i+1:]
}

// parseTime reads the one form that engines write, many times faster than time.Parse, which takes the others.
func parseTime(b []byte) (time.Time, bool) {
	if len(b) < 20 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return time.Time{}, false
	}
	if b[len(b)-1] != 'Z' {
		t, err := time.Parse(time.RFC3339Nano, string(b))
		return t, err == nil
	}
	year, mon, day := digits(b[0:4]), digits(b[5:7]), digits(b[8:10])
	hour, min, sec := digits(b[11:13]), digits(b[14:16]), digits(b[17:19])
	ns := 0
	if b[19] == '.' {
		frac := b[20 : len(b)-1]
		ns = digits(frac)
		for n := len(frac); n < 9; n++ {
			ns *= 10
		}
	}
	if year < 0 || mon < 0 || day < 0 || hour < 0 || min < 0 || sec < 0 || ns < 0 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(mon), day, hour, min, sec, ns, time.UTC), true
}

// digits as a number, -1 if there is anything else.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
