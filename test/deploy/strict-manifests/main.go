// Decodes Kubernetes manifests from standard input as an API server does with fieldValidation=Strict: a field that a kind does
// not have, or one that is given twice, is an error. Kinds that are not Kubernetes' own are named and left alone.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	codecs := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict)
	reader := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	failed := false
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println("unreadable:", err)
			os.Exit(1)
		}
		asJSON, err := yaml.ToJSON(document)
		if err == nil && (string(asJSON) == "null" || len(asJSON) == 0) {
			continue
		}
		object, kind, err := codecs.UniversalDeserializer().Decode(document, nil, nil)
		switch {
		case err == nil:
			fmt.Println("ok", kind.Kind)
			_ = object
		case runtime.IsNotRegisteredError(err):
			fmt.Println("foreign", kind)
		default:
			fmt.Println("wrong", kind, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
