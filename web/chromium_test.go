package web_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/testrun"
)

// chromium is Debian's browser with a page, which is told what to do as its developer
// tools would, over a pipe: https://chromedevtools.github.io/devtools-protocol/.
type chromium struct {
	answers *bufio.Reader
	to      io.Writer
	session string
	last    int
}

// startChromium starts one that ends with the test.
func startChromium(t *testing.T, flags ...string) *chromium {
	t.Helper()
	foreign.Need(t, "chromium")
	cmd := exec.CommandContext(testrun.Patience(t), "chromium", append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")...)
	commands, to := pipe(t)
	from, answers := pipe(t)
	cmd.ExtraFiles = []*os.File{commands, answers} // 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	commands.Close()
	answers.Close()
	b := &chromium{answers: bufio.NewReader(from), to: to}
	t.Cleanup(func() {
		b.call(t, "Browser.close", nil, nil)
		cmd.Wait()
	})
	b.attach(t)
	return b
}

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	return read, write
}

// attach opens a page.
func (b *chromium) attach(t *testing.T) {
	t.Helper()
	var target struct{ TargetID string }
	b.call(t, "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
}

// call has the browser do something, and waits until it is done.
func (b *chromium) call(t *testing.T, method string, params, result any) {
	t.Helper()
	b.last++
	command, err := json.Marshal(struct {
		ID        int    `json:"id"`
		Method    string `json:"method"`
		Params    any    `json:"params,omitempty"`
		SessionID string `json:"sessionId,omitempty"`
	}{b.last, method, params, b.session})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.to.Write(append(command, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		message, err := b.answers.ReadBytes(0)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(message[:len(message)-1], &answer); err != nil {
			t.Fatal(err)
		}
		if answer.ID != b.last {
			continue // something that happened
		}
		if answer.Error != nil {
			t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
}

// size gives the window another size, as wide as that of a phone too.
func (b *chromium) size(t *testing.T, width, height int) {
	t.Helper()
	b.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

func (b *chromium) visit(t *testing.T, address string) {
	t.Helper()
	b.call(t, "Page.navigate", map[string]any{"url": address}, nil)
}

// value is what a script gives, or its promise.
func (b *chromium) value(t *testing.T, script string) (text string) {
	t.Helper()
	var result struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Text string }
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &result)
	if result.ExceptionDetails != nil {
		t.Fatalf("%s: %s", script, result.ExceptionDetails.Text)
	}
	return fmt.Sprint(result.Result.Value)
}

// until waits until a text stands on the page, and gives the page's text.
func (b *chromium) until(t *testing.T, text string) string {
	t.Helper()
	return b.value(t, fmt.Sprintf(`new Promise(done => {
		const look = () => document.body?.innerText.includes(%q) ? done(document.body.innerText) : setTimeout(look, 5);
		look();
	})`, text))
}

// picture is the window as a PNG.
func (b *chromium) picture(t *testing.T) []byte {
	t.Helper()
	var shot struct{ Data string }
	b.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	content, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
