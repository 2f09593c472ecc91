package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height    = 8
	fullWidth = 1 << height
)

var (
	flags  = flag.NewFlagSet("verify", flag.ExitOnError)
	base   = flags.String("url", "", "where the log is served")
	vkey   = flags.String("vkey", "", "the log's key; without it, what /log-key says")
	seenBy = flags.String("witness", "", "the key of a witness that must have cosigned the newest checkpoint")
	old    = flags.String("old", "", "file with an older checkpoint, which the newest must contain")
	save   = flags.String("save", "", "file for the newest checkpoint")
	proofs = flags.Int("proofs", 100, "how many random inclusion proofs")
	client = &http.Client{Timeout: 30 * time.Second}
)

// verify checks a whole log from the outside: all leaves, tiles and the root, inclusion proofs, and that it goes on from an older checkpoint.
func verify(arguments []string) error {
	flags.Parse(arguments)
	verifier, err := logKey()
	if err != nil {
		return fmt.Errorf("log key: %w", err)
	}
	signed, err := get("checkpoint")
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(signed, verifier)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fmt.Printf("ok checkpoint of %d entries signed by %s\n", tree.N, verifier.Name())
	if *seenBy != "" {
		if err := requireCosigned(signed, *seenBy); err != nil {
			return fmt.Errorf("cosignature: %w", err)
		}
		fmt.Println("ok cosigned by", *seenBy)
	}

	hashes, err := readBundles(tree.N)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		return fmt.Errorf("the leaves have root %v, signed is %v (%v)", root, tree.Hash, err)
	}
	fmt.Printf("ok root over %d leaves\n", tree.N)
	if err := compareTiles(tree.N, hashes); err != nil {
		return err
	}
	if err := proveRandom(tree, hashes); err != nil {
		return err
	}
	if err := proveOld(tree, verifier); err != nil {
		return err
	}
	if *save != "" {
		return os.WriteFile(*save, signed, 0o600)
	}
	return nil
}

func logKey() (note.Verifier, error) {
	line := *vkey
	if line == "" {
		served, err := get("log-key")
		if err != nil {
			return nil, err
		}
		line = string(served)
	}
	return note.NewVerifier(strings.TrimSuffix(line, "\n"))
}

func openCheckpoint(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("%d lines of %q", len(lines), lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// stored keeps every hash of the tree, as the library orders them.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		out[i] = s[index]
	}
	return out, nil
}

func readBundles(size int64) (stored, error) {
	var all stored
	for first := int64(0); first < size; first += fullWidth {
		width := size - first
		if width > fullWidth {
			width = fullWidth
		}
		tile := tlog.Tile{H: height, L: 0, N: first / fullWidth, W: int(width)}
		bundle, err := get(strings.Replace(path(tile), "tile/0/", "tile/entries/", 1))
		if err != nil {
			return nil, err
		}
		for n := first; n < first+width; n++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("bundle %d ends in entry %d", tile.N, n)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			added, err := tlog.StoredHashes(n, bundle[2:end], all)
			if err != nil {
				return nil, err
			}
			all, bundle = append(all, added...), bundle[end:]
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("bundle %d has %d bytes too many", tile.N, len(bundle))
		}
	}
	return all, nil
}

func compareTiles(size int64, hashes stored) error {
	tiles := tlog.NewTiles(height, 0, size)
	for _, tile := range tiles {
		want, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return err
		}
		got, err := get(path(tile))
		if err != nil {
			return err
		}
		if string(got) != string(want) {
			return fmt.Errorf("tile %s is not what the leaves make it", path(tile))
		}
	}
	fmt.Printf("ok %d tiles\n", len(tiles))
	return nil
}

func proveRandom(tree tlog.Tree, hashes stored) error {
	reader := tlog.TileHashReader(tree, served{})
	for i := 0; i < *proofs; i++ {
		n := rand.Int63n(tree.N)
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return fmt.Errorf("proof of entry %d: %w", n, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, hashes[tlog.StoredHashIndex(0, n)]); err != nil {
			return fmt.Errorf("proof of entry %d: %w", n, err)
		}
	}
	fmt.Printf("ok %d inclusion proofs\n", *proofs)
	return nil
}

func proveOld(tree tlog.Tree, verifier note.Verifier) error {
	if *old == "" {
		return nil
	}
	signed, err := os.ReadFile(*old)
	if err != nil {
		return err
	}
	before, err := openCheckpoint(signed, verifier)
	if err != nil {
		return fmt.Errorf("older checkpoint: %w", err)
	}
	if before.N > tree.N {
		return fmt.Errorf("the log has shrunk from %d to %d entries", before.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, before.N, tlog.TileHashReader(tree, served{}))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
		return fmt.Errorf("consistency with %d entries: %w", before.N, err)
	}
	fmt.Printf("ok consistent with the older checkpoint of %d entries\n", before.N)
	return nil
}

// served reads tiles from the log, for proofs made of nothing else.
type served struct{}

func (served) Height() int { return height }

func (served) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, err := get(path(tile))
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

func (served) SaveTiles([]tlog.Tile, [][]byte) {}

// The library names the height in its paths; tlog-tiles does not, since it is always 8.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

func get(path string) ([]byte, error) {
	response, err := client.Get(strings.TrimSuffix(*base, "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(path + " is answered " + response.Status)
	}
	return body, err
}
