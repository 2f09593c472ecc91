package main

import (
	"crypto/rand"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	entries = 400
	forkAt  = 256
)

// history is all entries of a log. Two of different names and one key are a fork: the same up to forkAt, and then never again.
type history struct {
	signer note.Signer
	hashes stored
}

func newHistory(signer note.Signer, name string) (*history, error) {
	grown := &history{signer: signer}
	for n := int64(0); n < entries; n++ {
		entry := fmt.Sprint("entry ", n)
		if n >= forkAt {
			entry += " of " + name
		}
		added, err := tlog.StoredHashes(n, []byte(entry), grown.hashes)
		if err != nil {
			return nil, err
		}
		grown.hashes = append(grown.hashes, added...)
	}
	return grown, nil
}

// stranger has a key of its own.
func stranger(name string) (*history, error) {
	private, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, err
	}
	return newHistory(signer, "a stranger")
}

// request asks to cosign the checkpoint of a size, for a witness that has cosigned another.
func (h *history) request(old, size int64) string {
	var path tlog.TreeProof
	if old > 0 && old <= size {
		path = must(tlog.ProveTree(size, old, h.hashes))
	}
	return requestOf(old, path, h.checkpoint(size))
}

func (h *history) checkpoint(size int64) string {
	text := fmt.Sprintf("%s\n%d\n%s\n", h.signer.Name(), size, must(tlog.TreeHash(size, h.hashes)))
	return string(must(note.Sign(&note.Note{Text: text}, h.signer)))
}

func requestOf(old int64, path tlog.TreeProof, checkpoint string) string {
	text := fmt.Sprintf("old %d\n", old)
	for _, hash := range path {
		text += hash.String() + "\n"
	}
	return text + "\n" + checkpoint
}

// must is for what cannot fail on trees of our own.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// asked is a witness, and what it first did wrong.
type asked struct {
	url, key string
	wrong    error
}

type answer struct {
	status     int
	kind, text string
}

// askWitness is a log that has its checkpoints cosigned, and tries everything that a witness must refuse.
func askWitness(arguments []string) error {
	options := flag.NewFlagSet("log", flag.ExitOnError)
	url := options.String("witness", "", "where the witness answers")
	key := options.String("witness-key", "", "its key")
	private := options.String("key", "", "the key of this log")
	options.Parse(arguments)
	signer, err := note.NewSigner(*private)
	if err != nil {
		return err
	}
	one, other := must(newHistory(signer, "one")), must(newHistory(signer, "another"))
	witness := &asked{url: *url, key: *key}
	witness.grow(one)
	if witness.race(one, other) {
		one, other = other, one
	}
	witness.refuse(one, other)
	return witness.wrong
}

func (w *asked) grow(log *history) {
	w.check("nothing is shown before the first", w.latest(log).status == http.StatusNotFound)
	w.cosigns(log, 0, 1)
	w.conflicts(log, 0, 5, 1)
	w.cosigns(log, 1, 255)
	w.cosigns(log, 255, 255)
	w.conflicts(log, 1, forkAt, 255)
	w.cosigns(log, 255, forkAt)
}

// race sends a step in both histories at once, many times. It answers whether the second was cosigned.
func (w *asked) race(one, other *history) bool {
	var all sync.WaitGroup
	answers := make([]answer, 32)
	for n := range answers {
		all.Add(1)
		go func(n int) {
			defer all.Done()
			answers[n] = w.post([]*history{one, other}[n%2].request(forkAt, 300))
		}(n)
	}
	all.Wait()
	cosigned, told := []int{}, 0
	for n, each := range answers {
		if each.status == http.StatusOK {
			cosigned = append(cosigned, n)
		} else if each.status == http.StatusConflict && each.text == "300\n" {
			told++
		}
	}
	w.check("of two histories that race one is cosigned, and all others are told the size", len(cosigned) == 1 && told == len(answers)-1)
	return len(cosigned) == 1 && cosigned[0]%2 == 1
}

func (w *asked) refuse(log, fork *history) {
	request, checkpoint := log.request(300, 400), log.checkpoint(400)
	firstHash := strings.SplitAfter(request, "\n")[1]
	w.refuses("another log", 404, must(stranger("nobody.example/log")).request(0, 400))
	w.refuses("a stranger who signs in this log's name", 403, must(stranger(log.signer.Name())).request(300, 400))
	w.refuses("a checkpoint that was changed", 403, strings.Replace(request, "\n400\n", "\n401\n", 1))
	w.refuses("an old size above the new one", 400, log.request(301, 300))
	w.refuses("an old size that begins with a zero", 400, strings.Replace(request, "old 300", "old 0300", 1))
	w.refuses("no old size", 400, strings.Replace(request, "old 300\n", "", 1))
	w.refuses("64 hashes", 400, requestOf(300, make(tlog.TreeProof, 64), checkpoint))
	w.refuses("a hash that is none", 400, strings.Replace(request, firstHash, "AAAA\n", 1))
	w.refuses("no checkpoint", 400, "old 300\n\n")
	w.refuses("another history", 422, fork.request(300, 400))
	w.refuses("another history of the same size", 422, fork.request(300, 300))
	w.refuses("a path that is cut", 422, strings.Replace(request, firstHash, "", 1))
	w.refuses("a path to where it stands", 422, requestOf(300, make(tlog.TreeProof, 1), log.checkpoint(300)))
	w.conflicts(log, 0, 250, 300)
	w.cosigns(log, 300, 400)
}

// cosigns requires a cosignature that the library verifies, and that what the witness shows has the signatures of both.
func (w *asked) cosigns(log *history, old, size int64) {
	got, shown := w.post(log.request(old, size)), w.latest(log)
	text := log.checkpoint(size)
	err := requireCosigned([]byte(text+got.text), w.key)
	w.check(fmt.Sprintf("%d after %d is cosigned", size, old), got.status == http.StatusOK && err == nil)
	err = requireCosigned([]byte(shown.text), w.key)
	w.check("and shown", shown.status == http.StatusOK && err == nil && strings.HasPrefix(shown.text, text))
}

func (w *asked) conflicts(log *history, old, size, stands int64) {
	got := w.post(log.request(old, size))
	w.check(fmt.Sprintf("%d after %d is answered %d", size, old, stands), got == answer{http.StatusConflict, "text/x.tlog.size", fmt.Sprintf("%d\n", stands)})
}

func (w *asked) refuses(what string, status int, request string) {
	got := w.post(request)
	w.check(fmt.Sprintf("%d for %s", status, what), got.status == status && !strings.Contains(got.text, "—"))
}

func (w *asked) check(what string, holds bool) {
	if !holds && w.wrong == nil {
		w.wrong = fmt.Errorf("does not hold: %s", what)
	}
	if w.wrong == nil {
		fmt.Println("ok", what)
	}
}

func (w *asked) post(request string) answer {
	return w.read(client.Post(w.url+"/add-checkpoint", "text/plain", strings.NewReader(request)))
}

func (w *asked) latest(log *history) answer {
	return w.read(client.Get(fmt.Sprintf("%s/%x/checkpoint", w.url, sha256.Sum256([]byte(log.signer.Name())))))
}

func (w *asked) read(response *http.Response, err error) answer {
	if err != nil {
		return answer{text: err.Error()}
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(body)}
}
