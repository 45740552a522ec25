// import-tracer runs a command under the published go-witness library with its ptrace tracer, and writes the signed
// collection: what `witness run --trace` does. For tests of `affidavit import`.
//
//	import-tracer DIR OUT COMMAND...    writes OUT.json and OUT.pub.pem
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/in-toto/go-witness/attestation"
	"github.com/in-toto/go-witness/attestation/commandrun"
	"github.com/in-toto/go-witness/attestation/environment"
	"github.com/in-toto/go-witness/attestation/git"
	"github.com/in-toto/go-witness/attestation/material"
	"github.com/in-toto/go-witness/attestation/product"
	"github.com/in-toto/go-witness/cryptoutil"
	"github.com/in-toto/go-witness/dsse"
	"github.com/in-toto/go-witness/intoto"
)

const payloadType = "application/vnd.in-toto+json"

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "expected DIR OUT COMMAND...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, out string, command []string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	traced := commandrun.New(commandrun.WithCommand(command), commandrun.WithTracing(true))
	attestors := []attestation.Attestor{environment.New(), git.New(), material.New(), traced, product.New()}
	context, err := attestation.NewContext("build", attestors)
	if err != nil {
		return err
	}
	if err := context.RunAttestors(); err != nil {
		return err
	}
	for _, completed := range context.CompletedAttestors() {
		if completed.Error != nil {
			return fmt.Errorf("%s: %w", completed.Attestor.Name(), completed.Error)
		}
	}
	collection := attestation.NewCollection("build", context.CompletedAttestors())
	predicate, err := json.Marshal(collection)
	if err != nil {
		return err
	}
	statement, err := intoto.NewStatement(attestation.CollectionType, predicate, collection.Subjects())
	if err != nil {
		return err
	}
	payload, err := json.Marshal(statement)
	if err != nil {
		return err
	}
	return sign(out, payload)
}

func sign(out string, payload []byte) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer := dsse.SignWithSigners(cryptoutil.NewED25519Signer(private))
	envelope, err := dsse.Sign(payloadType, bytes.NewReader(payload), signer)
	if err != nil {
		return err
	}
	text, err := json.Marshal(envelope)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	if err := os.WriteFile(out+".json", text, 0o644); err != nil {
		return err
	}
	return os.WriteFile(out+".pub.pem", key, 0o644)
}
