package ceremony

import (
	"strings"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/typed"
)

// Words that begin a command, before a name.
const (
	commandEntered = "entered"
	commandLeft    = "left"
)

// moved writes down who has come into the room, or gone, if that is what was typed.
func (p *people) moved(who, text string) (bool, error) {
	word, name, _ := strings.Cut(text, " ")
	command := typed.Word(word, commandEntered, commandLeft)
	name = strings.TrimSpace(name)
	if command == "" || name == "" {
		return false, nil
	}
	if err := plan.CheckPerson(name); err != nil || looksSecret(name) {
		p.Room.Tell("That is not the name of a person, and was not written down.")
		return true, nil
	}
	text, facts := name+step.EnteredRoom, step.NoteFacts{Entered: name}
	if command == commandLeft {
		text, facts = name+step.LeftRoom, step.NoteFacts{Left: name}
	}
	err := p.log.note(transcript.Note, who, text, facts)
	if err == nil {
		p.Room.Tell(text + ". It is in the transcript.")
	}
	return true, err
}
