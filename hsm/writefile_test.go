package hsm_test

import (
	"bytes"
	"testing"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link"
	"conclave/wire"
)

// watched is a link after each of whose commands another session looks at a file. Rest is
// what the card leaves of a longer content that is written over.
type watched struct {
	apdu.Conn
	rest []byte
	look func(command byte)
}

func (w *watched) Transmit(command []byte) ([]byte, error) {
	answer, err := w.Conn.Transmit(command)
	c, parseErr := apdu.ParseCommand(command)
	if err != nil || parseErr != nil {
		return answer, err
	}
	switch c.INS {
	case wire.InsDeleteFile:
		w.rest = nil
	case wire.InsUpdateBinary:
		offset, data, err := wire.ParseUpdateAt(c.Data)
		if err != nil {
			return nil, err
		}
		if err := w.leave(c, offset+len(data)); err != nil {
			return nil, err
		}
	}
	w.look(c.INS)
	return answer, nil
}

// leave appends the rest after what was written up to an offset.
func (w *watched) leave(c apdu.Command, at int) (err error) {
	if len(w.rest) <= at {
		return nil
	}
	if c.Data, err = wire.UpdateAt(at, w.rest[at:]); err == nil {
		_, err = apdu.Exchange(w.Conn, c)
	}
	return err
}

// roomy is watched on a link without a reader.
type roomy struct{ *watched }

func (roomy) Roomy() {}

// TestWriteFile over a longer file and a shorter one. On an embedded device there is the
// one content or the other at each moment, and never none.
func TestWriteFile(t *testing.T) {
	const fid = wire.FID(0xCF01)
	for _, sizes := range [][2]int{{10, 20}, {20, 10}, {3000, 2000}, {2000, 3000}, {5000, 0}, {65000, 10}} {
		before, after := bytes.Repeat([]byte{1}, sizes[0]), bytes.Repeat([]byte{2}, sizes[1])
		for name, keeps := range map[string]bool{"embedded": false, "one that leaves the rest": true} {
			other, c := withShareOn(t, newDevice(t))
			if err := other.WriteFile(fid, before); err != nil {
				t.Fatal(err)
			}
			seen := map[byte]int{}
			w := &watched{Conn: link.Direct(c), look: func(command byte) {
				seen[command]++
				now, err := other.ReadFile(fid)
				if !keeps && (err != nil || !bytes.Equal(now, before) && !bytes.Equal(now, after)) {
					t.Errorf("%s, %d over %d bytes: %d bytes are there meanwhile (%v)", name, sizes[1], sizes[0], len(now), err)
				}
			}}
			conn := apdu.Conn(roomy{w})
			if keeps {
				conn, w.rest = w, before
			}
			h, err := hsm.Open(conn)
			if err == nil {
				err = h.Login(wire.UserPIN, userPIN)
			}
			if err == nil {
				err = h.WriteFile(fid, after)
			}
			if err != nil {
				t.Fatal(err)
			}
			if now, err := h.ReadFile(fid); err != nil || !bytes.Equal(now, after) {
				t.Errorf("%s, %d over %d bytes: %d bytes are there (%v)", name, sizes[1], sizes[0], len(now), err)
			}
			if !keeps && (seen[wire.InsUpdateBinary] != 1 || seen[wire.InsDeleteFile] != 0) {
				t.Errorf("%d bytes: commands %v; one UPDATE BINARY was expected", sizes[1], seen)
			}
		}
	}
}
