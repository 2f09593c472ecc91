// What others would run beside our registry, on golang.org/x/mod/sumdb/{note,tlog}: those do all notes, signatures over notes, trees and proofs, and this only fetches and answers.
//
//	verify   checks a whole log from the outside
//	witness  cosigns the checkpoints of one log, as C2SP tlog-witness says
//	log      is a log that has a witness cosign it, and tries whatever the witness must refuse
//	newkey   makes the key of a log
//
// verify and log print one line for each property that holds; the first that does not ends them with exit code 1.
package main

import (
	"crypto/rand"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
)

var verbs = map[string]func(arguments []string) error{"verify": verify, "witness": serveWitness, "log": askWitness, "newkey": newKey}

func main() {
	verb := verbs[append(os.Args, "")[1]]
	if verb == nil {
		fmt.Println("FAIL the first word is verify, witness, log or newkey")
		os.Exit(2)
	}
	if err := verb(os.Args[2:]); err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

// newKey prints the private key and, in the next line, the public one.
func newKey(arguments []string) error {
	private, public, err := note.GenerateKey(rand.Reader, arguments[0])
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%s\n", private, public)
	return nil
}
