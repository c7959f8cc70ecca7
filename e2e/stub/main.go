// Command stub is what the test containers run: a small server and the odd things that containers do.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const usage = `stub WORD [ARG…]
  serve [ADDR]          answer HTTP with the environment, until SIGTERM; writes "ready"
  sleep                 until SIGTERM
  deaf                  until SIGKILL; writes "deaf"
  signals               write "listening" and which signals come; the fourth ends it
  exit N [TEXT…]        write TEXT and exit with N
  after DURATION N      exit with N after a while
  healthy DURATION      as serve; probe succeeds only after that time
  requests URL [TRIES]  ask URL again and again, four at once, each time with a name looked up anew and only its first address tried;
                        writes what fails TRIES times, and at SIGTERM "requests N failed M"
  probe                 exit 0 if healthy, else write why and exit 1
  fetch URL             write what it answers; exit 1 if it does not
  resolve NAME          write the addresses of a name
  interfaces            write a line for each: "eth0 mac=02:42:… mtu=1500 10.1.1.2/24"
  gateway               write where the default route leads: "10.1.1.1 eth0"
  echo [DURATION]       write what it reads; with a duration also "listening", every so often
  tty                   write "terminal" or "no terminal", and the first line that it reads
  env [NAME]            write the environment, or one variable
  cat FILE              write a file
  stat FILE             write "MODE UID GID PATH", of a directory also what is in it
  mount PATH            write what is mounted there: type and options
  seed DIR              make DIR/sub/seed and DIR/sub/deep/seed
  hups FILE             write FILE, and again at each SIGHUP
  write FILE TEXT       write TEXT into a file
  copy FILE TO          write what is in one file into another
  self FILE [NAME…]     append who runs it, where, with which capabilities, and variables
  note WORD [FILE]      append a line to FILE, or to /log/web
  append FILE TEXT      append a line, write the file, and sleep
  lines N [PREFIX]      write "PREFIX 1" … "PREFIX N", then sleep
  ticks DURATION        write a line every so often
  hog                   take memory until killed
  await FILE            exit 0 once the file exists
  registry [NAME:PASS]  a registry of images on 127.0.0.1, until SIGTERM; writes "registry ADDRESS"`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(word string, args []string) error {
	switch word {
	case "serve":
		return serve(arg(args, 0, ":80"), 0)
	case "healthy":
		return serve(":80", duration(arg(args, 0, "0s")))
	case "sleep":
		return sleep()
	case "deaf":
		return deaf()
	case "signals":
		return signals()
	case "exit":
		return exit(args)
	case "after":
		time.Sleep(duration(arg(args, 0, "0s")))
		return exit(args[1:])
	case "requests":
		return requests(arg(args, 0, ""), number(arg(args, 1, "1")))
	case "probe":
		return probe()
	case "tty":
		return terminal()
	case "echo":
		return echo(arg(args, 0, ""))
	case "fetch":
		return fetch(arg(args, 0, "http://127.0.0.1/"))
	case "resolve":
		return resolve(arg(args, 0, ""))
	case "interfaces":
		return interfaces()
	case "gateway":
		return gateway()
	case "env":
		return env(arg(args, 0, ""))
	case "cat":
		b, err := os.ReadFile(arg(args, 0, ""))
		fmt.Print(string(b))
		return err
	case "stat":
		return stat(arg(args, 0, "/"))
	case "mount":
		return mounted(arg(args, 0, "/"))
	case "seed":
		return seed(arg(args, 0, ""))
	case "hups":
		return hups(arg(args, 0, ""))
	case "write":
		return write(args[0], strings.Join(args[1:], " ")+"\n", os.O_TRUNC)
	case "append":
		return appendLine(args[0], strings.Join(args[1:], " "))
	case "copy":
		b, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		return write(args[1], string(b), os.O_TRUNC)
	case "self":
		return self(args[0], args[1:])
	case "note":
		return write(arg(args, 1, "/log/web"), arg(args, 0, "")+"\n", os.O_APPEND)
	case "lines":
		return lines(number(arg(args, 0, "1")), arg(args, 1, "line"))
	case "ticks":
		return ticks(duration(arg(args, 0, "100ms")))
	case "hog":
		return hog()
	case "await":
		return await(arg(args, 0, ""))
	case "archive":
		return serveArchive(args)
	case "registry":
		return serveRegistry(arg(args, 0, ""))
	}
	return fmt.Errorf("%s\nunknown word %q", usage, word)
}

func arg(args []string, i int, otherwise string) string {
	if i < len(args) {
		return args[i]
	}
	return otherwise
}

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return d
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return n
}

// term is told of SIGTERM and SIGINT. The kernel gives the first process of a container no default for them.
func term() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
	return c
}

func serve(addr string, unhealthy time.Duration) error {
	stop := term()
	start := time.Now()
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if left := unhealthy - time.Since(start); left > 0 {
			http.Error(w, "warming up", http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, strings.Join(environ(), "\n")) })
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	server := &http.Server{}
	go server.Serve(l)
	<-stop
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	server.Shutdown(ctx) // what is under way gets its answer
	fmt.Println("bye")
	return nil
}

func ask(client *http.Client, url string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// requests is a client as simple as there are: no second address, no connection kept, and by itself no second try.
func requests(url string, tries int) error {
	stop := term()
	var all, failed atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, _ := net.SplitHostPort(addr)
		found, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			return nil, err
		}
		var d net.Dialer
		return d.DialContext(ctx, network, net.JoinHostPort(found[0], port))
	}
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	for range 4 {
		go func() {
			for {
				all.Add(1)
				err := ask(&client, url)
				for try := 1; err != nil && try < tries; try++ {
					time.Sleep(20 * time.Millisecond)
					err = ask(&client, url)
				}
				if err != nil {
					failed.Add(1)
					fmt.Println("failed:", err)
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	fmt.Println("asking")
	<-stop
	fmt.Printf("requests %d failed %d\n", all.Load(), failed.Load())
	return nil
}

func sleep() error {
	stop := term()
	fmt.Println("asleep")
	<-stop
	return nil
}

func deaf() error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	fmt.Println("deaf")
	for {
		time.Sleep(time.Hour)
	}
}

// signals tells each that comes, and ends with the fourth.
func signals() error {
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1)
	fmt.Println("listening")
	for range 4 {
		fmt.Println("got", <-c)
	}
	return nil
}

func exit(args []string) error {
	if len(args) > 1 {
		fmt.Println(strings.Join(args[1:], " "))
	}
	os.Exit(number(arg(args, 0, "0")))
	return nil
}

func get(url string) (string, error) {
	c := http.Client{Timeout: 2 * time.Second}
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var b strings.Builder
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		b.WriteString(s.Text() + "\n")
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(b.String()))
	}
	return b.String(), nil
}

func probe() error {
	_, err := get("http://127.0.0.1/health")
	return err
}

func fetch(url string) error {
	text, err := get(url)
	fmt.Print(text)
	return err
}

func resolve(name string) error {
	addrs, err := net.LookupHost(name)
	sort.Strings(addrs)
	fmt.Println(strings.Join(addrs, "\n"))
	return err
}

func echo(every string) error {
	if every != "" {
		go func() {
			for ; ; time.Sleep(duration(every)) {
				fmt.Println("listening")
			}
		}()
	}
	_, err := io.Copy(os.Stdout, os.Stdin)
	return err
}

func environ() []string {
	vars := os.Environ()
	sort.Strings(vars)
	return vars
}

func env(name string) error {
	if name != "" {
		fmt.Println(os.Getenv(name))
		return nil
	}
	fmt.Println(strings.Join(environ(), "\n"))
	return nil
}

func write(file, text string, flag int) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|flag, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

func appendLine(file, text string) error {
	if err := write(file, text+"\n", os.O_APPEND); err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Print(string(b))
	return sleep()
}

func lines(n int, prefix string) error {
	stop := term()
	for i := 1; i <= n; i++ {
		fmt.Println(prefix, i)
	}
	<-stop
	return nil
}

func ticks(every time.Duration) error {
	stop := term()
	tick := time.NewTicker(every)
	for n := 1; ; n++ {
		select {
		case <-stop:
			return nil
		case <-tick.C:
			fmt.Println("tick", n)
		}
	}
}

func hog() error {
	var all [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		if len(all) > 4096 {
			return fmt.Errorf("took 4 GB and nobody minded")
		}
	}
}

func await(file string) error {
	for {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// terminal tells whether its output is one: the system knows its size then.
func terminal() error {
	var size [4]uint16
	_, _, no := syscall.Syscall(syscall.SYS_IOCTL, os.Stdout.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if no != 0 {
		fmt.Print("no ")
	}
	fmt.Println("terminal")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Println("read " + line)
	return err
}
