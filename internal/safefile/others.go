package safefile

import (
	"os/user"
	"strconv"
	"strings"
)

// UserName is a user for people, by number and by name if there is one.
func UserName(uid int) string {
	name := "uid " + strconv.Itoa(uid)
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name += " (" + u.Username + ")"
	}
	return name
}

// Quoted is a path as a shell takes it, with quotes where it needs them.
func Quoted(path string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:,@"
	if path != "" && path[0] != '-' && strings.Trim(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
