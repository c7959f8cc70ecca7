// Command helper is the only program of the conformance suite's image. Its arguments say what it does, see enginetest.Script.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const ready = "/ready"

func main() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	var end *int
	var after time.Duration
	for _, word := range os.Args[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "probe":
			probe()
		case "say":
			say(value)
		case "deaf":
			asked = nil
		case "healthy":
			d, _ := time.ParseDuration(value)
			time.AfterFunc(d, func() { check(os.WriteFile(ready, nil, 0o644)) })
		case "write":
			path, text, _ := strings.Cut(value, ":")
			check(os.WriteFile(path, []byte(text), 0o644))
		case "cat":
			data, err := os.ReadFile(value)
			check(err)
			say(string(data))
		case "stat":
			var st syscall.Stat_t
			check(syscall.Stat(value, &st))
			say(fmt.Sprintf("%04o %d:%d", st.Mode&0o7777, st.Uid, st.Gid))
		case "env":
			v, set := os.LookupEnv(value)
			say(fmt.Sprintf("%t %s", set, v))
		case "uid":
			say(fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()))
		case "pwd":
			dir, err := os.Getwd()
			check(err)
			say(dir)
		case "exit":
			code, _ := strconv.Atoi(value)
			end = &code
		case "after":
			after, _ = time.ParseDuration(value)
		}
	}
	if end != nil {
		time.Sleep(after)
		os.Exit(*end)
	}
	for { // the timer keeps the deaf from looking deadlocked
		select {
		case <-asked:
			os.Exit(143)
		case <-time.After(time.Hour):
		}
	}
}

func probe() {
	if _, err := os.Stat(ready); err != nil {
		fmt.Println("not ready")
		os.Exit(1)
	}
	fmt.Println("all is well")
	os.Exit(0)
}

// say writes a line; one that begins with "!" goes to stderr.
func say(line string) {
	defer time.Sleep(5 * time.Millisecond) // the engine reads the two streams apart, and stamps what it reads
	if text, ok := strings.CutPrefix(line, "!"); ok {
		fmt.Fprintln(os.Stderr, text)
		return
	}
	fmt.Println(line)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}
