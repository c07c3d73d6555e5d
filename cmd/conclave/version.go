package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"conclave/ceremony"
)

type version struct {
	SBOM    bool   `name:"sbom" help:"Show the bill of materials instead (CycloneDX, JSON)."`
	Program string `arg:"" optional:"" complete:"files" help:"A program that go build has made, for --sbom. Default: this one."`
}

// Validate rejects a program that is not looked at.
func (cmd version) Validate() error {
	if cmd.Program != "" && !cmd.SBOM {
		return errors.New("a program is for --sbom alone; leave it out, or add that")
	}
	return nil
}

// Run shows what this program was built from.
func (cmd version) Run(c *console) error {
	if cmd.SBOM {
		return cmd.showSBOM(c)
	}
	showVersion(c.out)
	return nil
}

// versionFlag is the same as an option.
type versionFlag bool

// BeforeReset shows the version, and ends the program.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	showVersion(app.Stdout)
	app.Exit(0)
	return nil
}

func showVersion(w io.Writer) { fmt.Fprintln(w, "conclave", versionText(debug.ReadBuildInfo())) }

func (cmd version) showSBOM(c *console) (err error) {
	path := cmd.Program
	if path == "" {
		if path, err = os.Executable(); err != nil {
			return err
		}
	}
	p, err := ceremony.ProgramAt(path, "")
	if err == nil {
		_, err = c.out.Write(p.SBOM)
	}
	return err
}

func versionText(info *debug.BuildInfo, ok bool) string {
	platform := fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if !ok {
		return "of unknown version, " + platform
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := info.Main.Version
	if revision := settings["vcs.revision"]; revision != "" {
		text += ", revision " + revision + " of " + settings["vcs.time"]
	}
	if settings["vcs.modified"] == "true" {
		text += " with changes"
	}
	return text + ", " + platform
}

// shortVersion names the program where there is little room.
func shortVersion() string {
	text, _, _ := strings.Cut(versionText(debug.ReadBuildInfo()), ",")
	return text
}
