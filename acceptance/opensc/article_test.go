//go:build linux

package opensc

import (
	"os"
	"path/filepath"
	"testing"

	"conclave/acceptance"
	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
	"conclave/internal/testrun"
)

// article runs the published procedure, word for word, against the card in the
// first reader. d.Path decides whose sc-hsm-tool it uses, env what else it does.
func (d *desk) article(env ...string) {
	d.T.Helper()
	foreign.Need(d.T, "bash", "sc-hsm-tool", "pkcs11-tool", "pkcs15-tool", "expect", "openssl", "python3")
	cmd := d.Command("bash", acceptance.Testdata(d.T, "article.sh"), d.File("article"))
	cmd.Env = append(cmd.Env, "STRICT_KCV=1", "MODULE="+acceptance.Module(d.T), "SO_PIN=3537363231383830")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	d.T.Logf("%s", out)
	if err != nil {
		d.T.Fatal(err)
	}
}

// TestArticleWithOpenSC is the article with nothing of ours but the card. That another
// DKEK does not restore the keys is shown at the cost of practice; and that the key check
// value is that of the share file, as a third party derives it, in one run of three.
func TestArticleWithOpenSC(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create", "article")
	stop := d.Serve("article")
	_, practising := d.PractisingOpenSC()
	env := []string{"FOREIGN_TOOL=" + practising}
	if !testrun.OneIn(t, 3)() {
		env = append(env, "DEEP=0")
	}
	d.article(env...)
	stop()
}

// TestArticleWithOurTool is the same with our sc-hsm-tool in OpenSC's place,
// through the same reader, at the cost of practice.
func TestArticleWithOurTool(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	tools := d.File("tools")
	if err := os.Mkdir(tools, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(acceptance.Bin("practice/sc-hsm-tool"), filepath.Join(tools, "sc-hsm-tool")); err != nil {
		t.Fatal(err)
	}
	d.Path = tools + ":" + d.Path
	d.Run("our conclave", "hsm", "create", "article")
	stop := d.Serve("article")
	d.article("DEEP=0") // which derives at the real cost
	stop()
}
