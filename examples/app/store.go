package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// store keeps keys and values in memory, and every change in a file: a line per change, the last one counts.
//
//	GET /KEY         the value; empty if there is none
//	PUT /KEY         sets it to the body
//	POST /KEY        adds one and gives the sum
type store struct {
	mu     sync.Mutex
	values map[string]string
	file   *os.File
}

func openStore(path string) (*store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	s := &store{values: map[string]string{}, file: f}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, quoted, _ := strings.Cut(lines.Text(), " ")
		if value, err := strconv.Unquote(quoted); err == nil { // a line cut short by a crash is no change
			s.values[key] = value
		}
	}
	return s, nil
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/")
	if strings.ContainsAny(key, " \n") {
		http.Error(w, "a key has no blanks", http.StatusBadRequest)
		return
	}
	var err error
	switch r.Method {
	case http.MethodPut:
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(r.Body, 1<<20)); err == nil {
			err = s.set(key, string(body))
		}
	case http.MethodPost:
		n, _ := strconv.Atoi(s.values[key])
		err = s.set(key, strconv.Itoa(n+1))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	io.WriteString(w, s.values[key])
}

func (s *store) set(key, value string) error {
	if _, err := fmt.Fprintf(s.file, "%s %q\n", key, value); err != nil {
		return err
	}
	s.values[key] = value
	return nil
}

// remote is the address of a store: "http://store:7000".
type remote string

func (r remote) get(key string) (string, error) { return ask(http.MethodGet, string(r)+"/"+key, "") }

func (r remote) put(key, value string) error {
	_, err := ask(http.MethodPut, string(r)+"/"+key, value)
	return err
}

func (r remote) increment(key string) (string, error) {
	return ask(http.MethodPost, string(r)+"/"+key, "")
}
