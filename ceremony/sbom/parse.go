package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// Document is what a verifier needs of a bill of materials.
type Document struct {
	Program  string            // the name of the main component
	Version  string            // of it, as Go has it: "(devel)" for an unreleased one
	Revision string            // of its source; empty when Go did not know it
	SHA256   [sha256.Size]byte // of the executable
	Made     time.Time         // UTC, to the second
}

// Parse reads a CycloneDX 1.6 document in JSON, in which it expects what Of writes
// about the program. It does not verify the rest against the schema.
func Parse(b []byte) (Document, error) {
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(b), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return Document{}, fmt.Errorf("bill of materials: %w", err)
	}
	if bom.BOMFormat != cyclonedx.BOMFormat || bom.SpecVersion != cyclonedx.SpecVersion1_6 {
		return Document{}, fmt.Errorf("bill of materials: format %q %s; %s 1.6 was expected", bom.BOMFormat, bom.SpecVersion, cyclonedx.BOMFormat)
	}
	if bom.Metadata == nil || bom.Metadata.Component == nil {
		return Document{}, fmt.Errorf("bill of materials: no metadata.component; the program was expected there")
	}
	made, err := time.Parse(time.RFC3339, bom.Metadata.Timestamp)
	if err != nil {
		return Document{}, fmt.Errorf("bill of materials: metadata.timestamp: %w", err)
	}
	d, err := read(bom.Metadata.Component)
	if err != nil {
		return Document{}, err
	}
	d.Made = made.UTC()
	return d, nil
}

// read takes all but the time from the main component.
func read(c *cyclonedx.Component) (Document, error) {
	if c.Name == "" || c.Version == "" {
		return Document{}, fmt.Errorf("bill of materials: program %q of version %q; both were expected", c.Name, c.Version)
	}
	d := Document{Program: c.Name, Version: c.Version}
	if c.Properties != nil {
		for _, p := range *c.Properties {
			if p.Name == revisionProperty {
				d.Revision = p.Value
			}
		}
	}
	if c.Hashes == nil || len(*c.Hashes) != 1 || (*c.Hashes)[0].Algorithm != cyclonedx.HashAlgoSHA256 {
		return Document{}, fmt.Errorf("bill of materials: %s has other hashes than one SHA-256; make the document again with the program", c.Name)
	}
	hash, err := hex.DecodeString((*c.Hashes)[0].Value)
	if err != nil || len(hash) != sha256.Size {
		return Document{}, fmt.Errorf("bill of materials: %s has the SHA-256 %q; %d bytes in hexadecimal were expected", c.Name, (*c.Hashes)[0].Value, sha256.Size)
	}
	d.SHA256 = [sha256.Size]byte(hash)
	return d, nil
}
