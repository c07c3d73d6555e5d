// Packaging makes the packages that nfpm.yaml describes: one for each of the package
// managers that are named, to a folder. The nfpm program itself cannot be had as a
// module, since one of its other formats cannot; its library can.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: packaging FOLDER deb|rpm...")
		os.Exit(2)
	}
	for _, format := range os.Args[2:] {
		path, err := build(os.Args[1], format)
		if err != nil {
			fmt.Fprintf(os.Stderr, "packaging: %s: %v\n", format, err)
			os.Exit(1)
		}
		fmt.Println(path)
	}
}

// build makes a package, under the name that its package manager expects.
func build(dir, format string) (path string, err error) {
	config, err := nfpm.ParseFile("nfpm.yaml")
	if err != nil {
		return "", err
	}
	info, err := config.Get(format)
	if err != nil {
		return "", err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return "", err
	}
	info = nfpm.WithDefaults(info)
	info.Changelog = os.ExpandEnv(info.Changelog) // which nfpm does for all others
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return "", err
	}
	if format == "rpm" {
		markDocumentation(info.Contents)
	}
	var content bytes.Buffer
	if err := packager.Package(info, &content); err != nil {
		return "", err
	}
	path = filepath.Join(dir, packager.ConventionalFileName(info))
	return path, os.WriteFile(path, content.Bytes(), 0o644)
}

// markDocumentation says which files are documentation, as a .rpm does.
func markDocumentation(contents files.Contents) {
	for _, c := range contents {
		if c.Type == files.TypeFile && (strings.HasPrefix(c.Destination, "/usr/share/doc/") || strings.HasPrefix(c.Destination, "/usr/share/man/")) {
			c.Type = files.TypeRPMDoc
		}
	}
}
