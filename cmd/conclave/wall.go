package main

import (
	"conclave/ceremony"
	"conclave/web"
)

// onWall is the option of the commands that hold a ceremony.
type onWall struct {
	Wall string `placeholder:"127.0.0.1:PORT" help:"Serve a page for the big screen in the room to a browser on this computer: whose turn it is, what is read aloud, and nothing secret."`
}

// shown holds a ceremony, and shows it on the wall if that was asked for. The address of
// the page is told before anyone is asked for anything.
func (o onWall) shown(c *console, a *ceremony.Ceremony, hold func() error) error {
	if o.Wall == "" {
		return hold()
	}
	wall, err := web.Open(o.Wall, a.Plan)
	if err != nil {
		return err
	}
	a.Room, a.Written = wall.Room(a.Room), wall.Written
	c.err.Printf("The page for the big screen; this address opens it once, in a browser on this computer:\n")
	c.err.Unbroken([]string{wall.URL()})
	err = hold()
	wall.Close(err)
	return err
}
