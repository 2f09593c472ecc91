package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosigner is the key of a witness (C2SP tlog-cosignature, cosignature/v1), in the form in which the note library takes keys that it does not know itself.
type cosigner struct {
	name    string
	public  ed25519.PublicKey
	private ed25519.PrivateKey
}

const cosignatureType = 4

func newCosigner(name string) (*cosigner, error) {
	public, private, err := ed25519.GenerateKey(nil)
	return &cosigner{name, public, private}, err
}

func parseCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no key", vkey)
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != cosignatureType {
		return nil, fmt.Errorf("%q is no key of a witness", vkey)
	}
	read := &cosigner{name: parts[0], public: key[1:]}
	if read.String() != vkey {
		return nil, fmt.Errorf("the key id in %q is not %08x", vkey, read.KeyHash())
	}
	return read, nil
}

func (c *cosigner) encoded() []byte { return append([]byte{cosignatureType}, c.public...) }

func (c *cosigner) String() string {
	return fmt.Sprintf("%s+%08x+%s", c.name, c.KeyHash(), base64.StdEncoding.EncodeToString(c.encoded()))
}

func (c *cosigner) Name() string { return c.name }

func (c *cosigner) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(c.name+"\n"), c.encoded()...))
	return binary.BigEndian.Uint32(sum[:])
}

func (c *cosigner) Verify(text, signature []byte) bool {
	return len(signature) == 8+ed25519.SignatureSize && ed25519.Verify(c.public, cosigned(text, binary.BigEndian.Uint64(signature)), signature[8:])
}

func (c *cosigner) Sign(text []byte) ([]byte, error) {
	seconds := uint64(time.Now().Unix())
	return append(binary.BigEndian.AppendUint64(nil, seconds), ed25519.Sign(c.private, cosigned(text, seconds))...), nil
}

func cosigned(text []byte, seconds uint64) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", seconds)), text...)
}

// requireCosigned opens a note with the key of a witness, whose cosignature must be of the last five minutes.
func requireCosigned(signed []byte, vkey string) error {
	witness, err := parseCosigner(vkey)
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(witness))
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(opened.Sigs[0].Base64)
	if err != nil {
		return err
	}
	at := time.Unix(int64(binary.BigEndian.Uint64(signature[4:])), 0)
	if age := time.Since(at); age < -5*time.Minute || age > 5*time.Minute {
		return errors.New("made at " + at.String())
	}
	return nil
}
