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
	homeless
	answering
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
	info, ok := debug.ReadBuildInfo()
	return c.answerf(newVersionAnswer(info, ok), "conclave %s\n", versionText(info, ok))
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
	if c.json {
		return errors.New("--sbom: the bill of materials is a document of its own; leave out --json")
	}
	path := cmd.Program
	if path == "" {
		if path, err = os.Executable(); err != nil {
			return err
		}
	}
	p, err := ceremony.ProgramAt(path, "")
	if err == nil {
		_, err = c.out.Exact().Write(p.SBOM)
	}
	return err
}

// versionAnswer is what this program was built from.
type versionAnswer struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Time     string `json:"time"` // of the revision
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersionAnswer(info *debug.BuildInfo, ok bool) versionAnswer {
	a := versionAnswer{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if !ok {
		return a
	}
	a.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			a.Revision = s.Value
		case "vcs.time":
			a.Time = s.Value
		case "vcs.modified":
			a.Modified = s.Value == "true"
		}
	}
	return a
}

func versionText(info *debug.BuildInfo, ok bool) string {
	a := newVersionAnswer(info, ok)
	platform := a.Go + " " + a.Platform
	if !ok {
		return "of unknown version, " + platform
	}
	text := a.Version
	if a.Revision != "" {
		text += ", revision " + a.Revision + " of " + a.Time
	}
	if a.Modified {
		text += " with changes"
	}
	return text + ", " + platform
}

// shortVersion names the program where there is little room.
func shortVersion() string {
	text, _, _ := strings.Cut(versionText(debug.ReadBuildInfo()), ",")
	return text
}
