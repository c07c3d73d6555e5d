package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

type version struct{}

// Run shows what this program was built from.
func (version) Run(c *console) error {
	fmt.Fprintln(c.out, "conclave", versionText(debug.ReadBuildInfo()))
	return nil
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
