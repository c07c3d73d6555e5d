package apdu

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Redactor says which bytes of an exchange are secret: for command and response
// a mask of the same length each, true where a byte must not be written. A nil
// mask hides nothing. It may keep state from one exchange to the next.
type Redactor func(command, response []byte) (commandMask, responseMask []bool)

// hidden stands for one secret byte in a trace.
const hidden = "**"

// Trace writes every exchange of a Conn as two lines of hex bytes, "> " before
// the command and "< " before the response, with secret bytes as "**".
type Trace struct {
	Conn
	w      io.Writer
	redact Redactor
}

// NewTrace traces conn to w.
func NewTrace(conn Conn, w io.Writer, redact Redactor) *Trace {
	return &Trace{Conn: conn, w: w, redact: redact}
}

// Transmit implements Card. A trace that cannot be written is an error: a
// session without its record is not what was asked for.
func (t *Trace) Transmit(command []byte) ([]byte, error) {
	response, err := t.Conn.Transmit(command)
	commandMask, responseMask := t.redact(command, response)
	if _, werr := fmt.Fprintf(t.w, "> %s\n", line(command, commandMask)); werr != nil {
		return nil, fmt.Errorf("writing the trace: %w", werr)
	}
	if err != nil {
		fmt.Fprintf(t.w, "! %v\n", err)
		return nil, err
	}
	if _, werr := fmt.Fprintf(t.w, "< %s\n", line(response, responseMask)); werr != nil {
		return nil, fmt.Errorf("writing the trace: %w", werr)
	}
	return response, nil
}

// Begin implements Transactor if the traced Conn does.
func (t *Trace) Begin() error {
	if shared, ok := t.Conn.(Transactor); ok {
		return shared.Begin()
	}
	return nil
}

// End implements Transactor if the traced Conn does.
func (t *Trace) End() error {
	if shared, ok := t.Conn.(Transactor); ok {
		return shared.End()
	}
	return nil
}

func line(b []byte, mask []bool) string {
	parts := make([]string, len(b))
	for i, v := range b {
		if parts[i] = fmt.Sprintf("%02X", v); i < len(mask) && mask[i] {
			parts[i] = hidden
		}
	}
	return strings.Join(parts, " ")
}

// Replay is a Card that answers from a trace: each command must be the next
// one recorded, where a redacted byte matches any.
type Replay struct {
	exchanges []exchange
	next      int
}

type exchange struct{ command, response []maskedByte }

type maskedByte struct {
	value  byte
	hidden bool
}

// ReadTrace reads what Trace wrote. Lines that begin with neither ">" nor "<"
// are comments.
func ReadTrace(r io.Reader) (*Replay, error) {
	replay := &Replay{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4*MaxExtendedNe)
	for n := 1; lines.Scan(); n++ {
		direction, text, _ := bytes.Cut(lines.Bytes(), []byte(" "))
		switch string(direction) {
		case ">", "<":
		default:
			continue
		}
		masked, err := parseLine(string(text))
		if err != nil {
			return nil, fmt.Errorf("trace line %d: %w", n, err)
		}
		if err := replay.add(direction[0] == '>', masked); err != nil {
			return nil, fmt.Errorf("trace line %d: %w", n, err)
		}
	}
	return replay, lines.Err()
}

func (p *Replay) add(command bool, masked []maskedByte) error {
	n := len(p.exchanges)
	if command {
		p.exchanges = append(p.exchanges, exchange{command: masked})
		return nil
	}
	if n == 0 || p.exchanges[n-1].response != nil {
		return fmt.Errorf("a response without its command")
	}
	p.exchanges[n-1].response = masked
	return nil
}

func parseLine(text string) ([]maskedByte, error) {
	masked := []maskedByte{}
	for _, field := range strings.Fields(text) {
		if field == hidden {
			masked = append(masked, maskedByte{hidden: true})
			continue
		}
		b, err := hex.DecodeString(field)
		if err != nil || len(b) != 1 {
			return nil, fmt.Errorf("%q is not a byte; two hex digits or %s were expected", field, hidden)
		}
		masked = append(masked, maskedByte{value: b[0]})
	}
	return masked, nil
}

// Transmit implements Card. Redacted bytes of a response come out as zero.
func (p *Replay) Transmit(command []byte) ([]byte, error) {
	if p.next == len(p.exchanges) {
		return nil, fmt.Errorf("replay: command % X after the end of the trace", head(command))
	}
	e := p.exchanges[p.next]
	if !matches(e.command, command) {
		return nil, fmt.Errorf("replay: exchange %d: command % X… is not the one recorded", p.next+1, head(command))
	}
	if e.response == nil {
		return nil, fmt.Errorf("replay: exchange %d: the link broke here when it was recorded", p.next+1)
	}
	p.next++
	response := make([]byte, len(e.response))
	for i, b := range e.response {
		response[i] = b.value
	}
	return response, nil
}

// Done says whether every exchange of the trace was used.
func (p *Replay) Done() bool { return p.next == len(p.exchanges) }

// head is the part of a command that can never be a secret.
func head(command []byte) []byte { return command[:min(4, len(command))] }

func matches(recorded []maskedByte, b []byte) bool {
	if len(recorded) != len(b) {
		return false
	}
	for i, r := range recorded {
		if !r.hidden && r.value != b[i] {
			return false
		}
	}
	return true
}
