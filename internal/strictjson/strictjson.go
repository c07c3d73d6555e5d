// Package strictjson refuses the JSON that encoding/json takes all the same: what
// is understood in part is not understood.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Unmarshal reads one JSON value. A field that the value does not have, or that comes
// twice, is an error, and so is what Check refuses.
func Unmarshal(content []byte, value any) error {
	if err := Check(json.NewDecoder(bytes.NewReader(content))); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	return d.Decode(value)
}

// maxDepth is how deep objects and lists may be nested; a plan nests five.
const maxDepth = 20

// Check refuses objects with a field that comes twice (encoding/json takes the last,
// whether in capital letters or not), text after the end, and what is nested more
// than 20 deep. The decoder's offset is then where that was found.
func Check(d *json.Decoder) error {
	if err := checkValue(d, maxDepth); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the end; remove it")
	}
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	if depth == 0 {
		return fmt.Errorf("objects and lists are nested more than %d deep", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			field := strings.ToLower(name.(string))
			if strings.ContainsFunc(field, func(r rune) bool { return r > unicode.MaxASCII }) { // which encoding/json may take for a letter
				return fmt.Errorf("the field %q has a character that no field has", name)
			}
			if seen[field] {
				return fmt.Errorf("the field %q comes twice in one object; remove one", name)
			}
			seen[field] = true
		}
		if err := checkValue(d, depth-1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
