package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// witness cosigns one log. What it has cosigned is in memory, so a restart of it takes another key.
type witness struct {
	log  note.Verifier
	key  *cosigner
	lock sync.Mutex
	last tlog.Tree
	note []byte
}

// refusal is what a request is answered instead of a cosignature.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// serveWitness answers until its standard input ends. The first line that it prints says where, the second with which key; then one for each answer: the status, and the size that it stands at.
func serveWitness(arguments []string) error {
	options := flag.NewFlagSet("witness", flag.ExitOnError)
	logKey := options.String("log", "", "the key of the log that it watches")
	name := options.String("name", "go.example/witness", "its name")
	options.Parse(arguments)
	log, err := note.NewVerifier(*logKey)
	if err != nil {
		return err
	}
	key, err := newCosigner(*name)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	watching := &witness{log: log, key: key}
	routes := http.NewServeMux()
	routes.HandleFunc("/add-checkpoint", watching.add)
	routes.HandleFunc(fmt.Sprintf("/%x/checkpoint", sha256.Sum256([]byte(log.Name()))), watching.show)
	fmt.Printf("http://%s\n%s\n", listener.Addr(), key)
	go http.Serve(listener, routes)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func (w *witness) add(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	w.lock.Lock()
	defer w.lock.Unlock()
	line, status := "", http.StatusOK
	if err == nil {
		line, err = w.judge(string(body))
	}
	var refused *refusal
	if errors.As(err, &refused) {
		line, status = refused.text+"\n", refused.status
	} else if err != nil {
		line, status = err.Error()+"\n", http.StatusBadRequest
	}
	if status == http.StatusConflict {
		response.Header().Set("Content-Type", "text/x.tlog.size")
	}
	response.WriteHeader(status)
	io.WriteString(response, line)
	fmt.Println(status, w.last.N)
}

func (w *witness) show(response http.ResponseWriter, _ *http.Request) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.note == nil {
		response.WriteHeader(http.StatusNotFound)
	}
	response.Write(w.note)
}

// judge answers the line of the cosignature, and remembers what it is over.
func (w *witness) judge(body string) (string, error) {
	oldSize, path, signed, err := parseRequest(body)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(signed, w.log.Name()+"\n") {
		return "", &refusal{http.StatusNotFound, "another log"}
	}
	tree, err := openCheckpoint([]byte(signed), w.log)
	if err != nil {
		return "", &refusal{http.StatusForbidden, err.Error()}
	}
	if oldSize > tree.N {
		return "", errors.New("the old size is above the new one")
	}
	if oldSize != w.last.N {
		return "", &refusal{http.StatusConflict, strconv.FormatInt(w.last.N, 10)}
	}
	if !w.goesOn(tree, path) {
		return "", &refusal{http.StatusUnprocessableEntity, "the path does not lead there"}
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(w.log))
	if err != nil {
		return "", err
	}
	cosigned, err := note.Sign(opened, w.key)
	if err != nil {
		return "", err
	}
	w.last, w.note = tree, cosigned
	lines := strings.SplitAfter(strings.TrimSuffix(string(cosigned), "\n"), "\n")
	return lines[len(lines)-1] + "\n", nil
}

// The library proves nothing about trees without entries.
func (w *witness) goesOn(tree tlog.Tree, path tlog.TreeProof) bool {
	if w.last.N == 0 {
		return len(path) == 0 && (tree.N > 0 || tree.Hash == tlog.Hash(sha256.Sum256(nil)))
	}
	return tlog.CheckTree(path, tree.N, tree.Hash, w.last.N, w.last.Hash) == nil
}

func parseRequest(body string) (oldSize int64, path tlog.TreeProof, signed string, err error) {
	head, signed, hasNote := strings.Cut(body, "\n\n")
	lines := strings.Split(head, "\n")
	digits := strings.TrimPrefix(lines[0], "old ")
	oldSize, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || !hasNote || !strings.Contains(signed, "\n\n") || digits == lines[0] || strconv.FormatInt(oldSize, 10) != digits || len(lines) > 64 {
		return 0, nil, "", errors.New("no request to cosign")
	}
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return 0, nil, "", err
		}
		path = append(path, hash)
	}
	return oldSize, path, signed, nil
}
