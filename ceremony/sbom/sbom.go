// Package sbom lists what a program was built from, as a CycloneDX 1.6
// document in JSON (ECMA-424), from what the Go linker put into it. [Of] writes the
// document, and [Parse] reads from it what a program is compared with. Neither
// source nor network is looked at: it lists what was linked, not what is wrong with
// it.
package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// Names of properties, which CycloneDX leaves to those who write documents.
const (
	// sumProperty is a module's line in go.sum: a hash of hashes of files
	// (golang.org/x/mod/sumdb/dirhash), which is not one of the specification's.
	sumProperty = "conclave:go.sum"
	vcsPrefix   = "conclave:vcs."

	revisionProperty = vcsPrefix + "revision"
)

// Of describes the program that info was read from, whose file has the SHA-256
// executable: 32 bytes. The main component is the program, with the revision of
// its source if Go knew it; the others are its modules, replaced ones as what
// replaced them, and Go's standard library. When is the document's time, to the
// second. The same arguments give the same bytes: there is no serial number.
func Of(info *debug.BuildInfo, executable []byte, when time.Time) ([]byte, error) {
	if len(executable) != sha256.Size {
		return nil, fmt.Errorf("bill of materials: a hash of %d bytes; the SHA-256 of the program, %d bytes, was expected", len(executable), sha256.Size)
	}
	if info.Main.Path == "" || info.GoVersion == "" {
		return nil, fmt.Errorf("bill of materials: the program names neither module nor Go version; build it as a module with go build")
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{
		Timestamp: when.UTC().Format(time.RFC3339),
		Component: program(info, executable),
	}
	components := []cyclonedx.Component{standardLibrary(info.GoVersion)}
	for _, dependency := range info.Deps {
		components = append(components, module(dependency))
	}
	bom.Components = &components
	var b bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&b, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cyclonedx.SpecVersion1_6); err != nil {
		return nil, fmt.Errorf("bill of materials: %w", err)
	}
	return b.Bytes(), nil
}

// program is the main component.
func program(info *debug.BuildInfo, executable []byte) *cyclonedx.Component {
	c := module(&info.Main)
	c.Type = cyclonedx.ComponentTypeApplication
	c.Name = path.Base(info.Path)
	c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(executable)}}
	properties := []cyclonedx.Property{}
	for _, s := range info.Settings {
		if key, ok := strings.CutPrefix(s.Key, "vcs."); ok {
			properties = append(properties, cyclonedx.Property{Name: vcsPrefix + key, Value: s.Value})
		}
	}
	if len(properties) > 0 {
		c.Properties = &properties
	}
	return &c
}

// module is a module as a component.
func module(m *debug.Module) cyclonedx.Component {
	if m.Replace != nil {
		m = m.Replace
	}
	c := library(m.Path, m.Version)
	if m.Sum != "" {
		c.Properties = &[]cyclonedx.Property{{Name: sumProperty, Value: m.Sum}}
	}
	return c
}

// standardLibrary is Go's, under the name that scanners look for. A version may
// be followed by the experiments that were on.
func standardLibrary(version string) cyclonedx.Component {
	version, _, _ = strings.Cut(version, " ")
	return library("stdlib", strings.TrimPrefix(version, "go"))
}

// library has no package URL when it has no version: it is a folder that
// replaced a module.
func library(name, version string) cyclonedx.Component {
	c := cyclonedx.Component{BOMRef: name, Type: cyclonedx.ComponentTypeLibrary, Name: name, Version: version}
	if version != "" {
		c.PackageURL = packageURL(name, version)
		c.BOMRef = c.PackageURL
	}
	return c
}

// packageURL is pkg:golang/path@version (the package-url specification, type
// golang): in lower case, and all that is not plain in a version is escaped.
// Go's rules for module paths leave nothing to escape there.
func packageURL(name, version string) string {
	return "pkg:golang/" + strings.ToLower(name) + "@" + url.QueryEscape(version)
}
