package adopt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"conclave/ca"
	"conclave/internal/safefile"
)

const (
	// MaxIndex is how many bytes an index.txt may have.
	MaxIndex = 64 << 20
	// MaxLines is how many lines it may have.
	MaxLines = 500_000
)

// Status is what an index.txt says of a certificate.
type Status byte

// The statuses, as ca(1) of OpenSSL has them.
const (
	Valid   Status = 'V'
	Revoked Status = 'R'
	Expired Status = 'E' // marked by `openssl ca -updatedb`
)

// Line is a line of an index.txt (openssl-ca(1), "FILES"): six columns with tabs
// between. The fifth, the name of a file, is always "unknown".
type Line struct {
	File    string
	Number  int // of the line, from 1
	Status  Status
	Expires time.Time
	Revoked time.Time // zero for what is not revoked
	Reason  int       // CRLReason, RFC 5280 section 5.3.1
	KeyTime time.Time // when the key was compromised, zero where that is not said
	Serial  *big.Int
	Subject string // as in RFC 4514, from the last attribute to the first
}

// String names the line.
func (l Line) String() string { return fmt.Sprintf("%s, line %d", l.File, l.Number) }

// ReadIndex reads an index.txt. The error tells of every line that it cannot take, but
// for the twentieth and later ones.
func ReadIndex(path string) ([]Line, error) {
	content, err := safefile.Read(path, MaxIndex)
	if err != nil {
		return nil, err
	}
	return ParseIndex(filepath.Base(path), content)
}

// ParseIndex reads the content of an index.txt, which messages name by its file.
func ParseIndex(file string, content []byte) (lines []Line, err error) {
	var problems []error
	number := 0
	content = bytes.TrimPrefix(content, []byte("\uFEFF")) // of an editor of Windows
	for text := range bytes.Lines(content) {
		if number++; number > MaxLines {
			return nil, fmt.Errorf("%s: more than %d lines; is it an index.txt?", file, MaxLines)
		}
		text = bytes.TrimRight(text, "\r\n")
		if len(text) == 0 || text[0] == '#' { // a comment, as OpenSSL's TXT_DB has them
			continue
		}
		line := Line{File: file, Number: number}
		if err := line.parse(string(text)); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", line, err))
			if len(problems) > mostProblems {
				break
			}
			continue
		}
		lines = append(lines, line)
	}
	return lines, joined(problems)
}

func (l *Line) parse(text string) (err error) {
	columns := splitColumns(text)
	if len(columns) != 6 {
		return fmt.Errorf("%d columns; six with tabs between them were expected, as `openssl ca` writes them: is it an index.txt, and did an editor change the tabs?", len(columns))
	}
	if len(columns[0]) != 1 || !strings.Contains("VRE", columns[0]) {
		return fmt.Errorf("the status is %.20q; V, R or E was expected", columns[0])
	}
	l.Status = Status(columns[0][0])
	if l.Expires, err = parseTime(columns[1]); err != nil {
		return fmt.Errorf("the end of validity: %w", err)
	}
	if err := l.parseRevocation(columns[2]); err != nil {
		return fmt.Errorf("the revocation: %w", err)
	}
	if l.Serial, err = parseNumber(columns[3]); err != nil {
		return fmt.Errorf("the serial number: %w", err)
	}
	l.Subject = subjectText(columns[5])
	return nil
}

// splitColumns splits at tabs. A backslash before one makes it a part of the column.
func splitColumns(text string) (columns []string) {
	var column strings.Builder
	escaped := false
	for _, b := range []byte(text) {
		switch {
		case b == '\t' && !escaped:
			columns = append(columns, column.String())
			column.Reset()
		case b == '\\' && !escaped:
			escaped = true
			continue
		case escaped && b != '\t':
			column.WriteByte('\\')
			column.WriteByte(b)
		default:
			column.WriteByte(b)
		}
		escaped = false
	}
	return append(columns, column.String())
}

// parseTime reads a UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5), also without
// seconds, as old certificates have it.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{"20060102150405Z", "060102150405Z", "0601021504Z"} {
		if len(text) != len(layout) {
			continue
		}
		t, err := time.Parse(layout, text)
		if err != nil {
			break
		}
		if layout[:4] != "2006" && t.Year() >= 2050 { // two digits
			t = t.AddDate(-100, 0, 0)
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time; one such as 350215094037Z or 20350215094037Z was expected", text)
}

// parseRevocation reads a time, and after commas a reason with what belongs to it.
func (l *Line) parseRevocation(text string) (err error) {
	switch {
	case l.Status == Revoked && text == "":
		return errors.New("the status is R, but there is no time; was it revoked?")
	case l.Status != Revoked && text != "":
		return fmt.Errorf("the status is %c, but it has been revoked since %.40q; change the status to R if it is revoked, otherwise take the time out", l.Status, text)
	case text == "":
		return nil
	}
	at, reason, _ := strings.Cut(text, ",")
	if l.Revoked, err = parseTime(at); err != nil {
		return err
	}
	reason, extra, _ := strings.Cut(reason, ",")
	return l.parseReason(strings.ToLower(reason), extra)
}

// reasons are the numbers of those of RFC 5280 section 5.3.1, and of those that
// openssl-ca(1) has beside them, in lower case.
var reasons = map[string]int{
	"": 0, "unspecified": 0, "keycompromise": 1, "cacompromise": 2, "affiliationchanged": 3, "superseded": 4, "cessationofoperation": 5,
	"certificatehold": ca.ReasonCertificateHold, "removefromcrl": ca.ReasonRemoveFromCRL, "privilegewithdrawn": 9, "aacompromise": 10,
	"holdinstruction": ca.ReasonCertificateHold, "keytime": 1, "cakeytime": 2,
}

// isReason says whether there is a reason with that code; 7 is not used.
func isReason(code int) bool { return code >= 0 && code <= 10 && code != 7 }

// parseReason reads a reason, in lower case, and what belongs to it.
func (l *Line) parseReason(reason, extra string) (err error) {
	code, ok := reasons[reason]
	if !ok {
		return fmt.Errorf("the reason is %.40q; one of openssl-ca(1), such as keyCompromise, was expected", reason)
	}
	l.Reason = code
	if reason == "keytime" || reason == "cakeytime" {
		if l.KeyTime, err = parseTime(extra); err != nil {
			return fmt.Errorf("since when the key was compromised: %w", err)
		}
	}
	return nil
}

// mostDigits is how many hexadecimal digits a number may have: three times those of RFC
// 5280 section 4.1.2.2.
const mostDigits = 120

// parseNumber reads a number in hexadecimal, with an odd or even number of digits in
// either case, as OpenSSL does.
func parseNumber(text string) (*big.Int, error) {
	number, ok := new(big.Int), len(text) > 0 && len(text) <= mostDigits && strings.Trim(text, "0123456789abcdefABCDEF") == ""
	if ok {
		_, ok = number.SetString(text, 16)
	}
	if !ok {
		return nil, fmt.Errorf("%.40q; hexadecimal digits were expected, %d at most", text, mostDigits)
	}
	return number, nil
}

// ReadNumber reads a file with the next serial number, or the next CRL number, as
// `openssl ca` keeps them.
func ReadNumber(path string) (*big.Int, error) {
	content, err := safefile.Read(path, 1<<10)
	if err != nil {
		return nil, err
	}
	number, err := parseNumber(strings.TrimSpace(string(content)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return number, nil
}

// subjectText makes the form /C=…/O=…/CN=…, with \xHH for what is not ASCII, that of
// RFC 4514. Slashes in values are not escaped in it; one before something that looks
// like an attribute is taken for the beginning of that.
func subjectText(text string) string {
	starts := regexp.MustCompile(`/[A-Za-z0-9.]+=`).FindAllStringIndex(text, -1)
	if len(starts) == 0 || starts[0][0] != 0 {
		return strings.ToValidUTF8(unescape(text), "\uFFFD")
	}
	var parts []string
	for i, start := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		value := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `+`, `\+`, `"`, `\"`, `<`, `\<`, `>`, `\>`, `;`, `\;`).Replace(unescape(text[start[1]:end]))
		parts = append(parts, text[start[0]+1:start[1]]+value)
	}
	slices.Reverse(parts)
	return strings.ToValidUTF8(strings.Join(parts, ","), "\uFFFD")
}

// unescape reads \xHH. What does not come out as UTF-8 stays as it is.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if strings.HasPrefix(text[i:], `\x`) && i+4 <= len(text) {
			if octet, err := hex.DecodeString(text[i+2 : i+4]); err == nil {
				b.Write(octet)
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	if utf8.ValidString(b.String()) {
		return b.String()
	}
	return text
}
