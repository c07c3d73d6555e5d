// Command program is one whose modules the tests know.
package main

import "github.com/CycloneDX/cyclonedx-go"

func main() { println(cyclonedx.NewBOM().BOMFormat) }
