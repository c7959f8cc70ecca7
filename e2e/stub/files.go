package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// stat a file, and all that is below it.
func stat(path string) error {
	return filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		target, _ := os.Readlink(p)
		fmt.Printf("%04o %d %d %s\n", st.Mode&0o7777, st.Uid, st.Gid, strings.TrimSpace(p+" "+target))
		return nil
	})
}

// mounted writes the line of /proc/self/mountinfo of a path: options, propagation, type and the file system's own options.
func mounted(path string) error {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 6 && f[4] == path {
			fmt.Println(strings.Join(f[5:], " "))
		}
	}
	return nil
}

// hups writes a file at the start and at each SIGHUP.
func hups(path string) error {
	hup, end := make(chan os.Signal, 8), term()
	signal.Notify(hup, syscall.SIGHUP)
	for {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Println("read", strings.TrimSpace(string(b)))
		select {
		case <-hup:
		case <-end:
			return nil
		}
	}
}

func seed(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "sub", "deep"), 0o755); err != nil {
		return err
	}
	if err := write(filepath.Join(dir, "sub", "seed"), "seeded\n", os.O_TRUNC); err != nil {
		return err
	}
	return write(filepath.Join(dir, "sub", "deep", "seed"), "deeper\n", os.O_TRUNC)
}

// self tells what a process is given by the engine: "0:7 /log caps=00000000a80425fb A=b".
func self(file string, names []string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, caps, _ := strings.Cut(string(status), "CapEff:\t")
	caps, _, _ = strings.Cut(caps, "\n")
	line := fmt.Sprintf("%d:%d %s caps=%s", os.Getuid(), os.Getgid(), dir, caps)
	for _, n := range names {
		line += " " + n + "=" + os.Getenv(n)
	}
	return write(file, line+"\n", os.O_APPEND)
}
