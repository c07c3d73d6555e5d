package acceptance

import (
	"os"
	"path/filepath"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
)

// article runs the published procedure, word for word, against the card in the
// first reader. d.path decides whose sc-hsm-tool it uses.
func (d *desk) article() {
	d.t.Helper()
	foreign.Need(d.t, "bash", "sc-hsm-tool", "pkcs11-tool", "pkcs15-tool", "expect", "openssl", "python3")
	cmd := d.command("bash", testdata(d.t, "article.sh"), d.file("article"))
	cmd.Env = append(cmd.Env, "STRICT_KCV=1", "MODULE="+module(d.t), "SO_PIN=3537363231383830")
	out, err := cmd.CombinedOutput()
	d.t.Logf("%s", out)
	if err != nil {
		d.t.Fatal(err)
	}
}

// TestArticleWithOpenSC is the article with nothing of ours but the card.
func TestArticleWithOpenSC(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	d.run("our conclave", "hsm", "create", "--device", "article")
	stop := d.serve("article")
	d.article()
	stop()
}

// TestArticleWithOurTool is the same with our sc-hsm-tool in OpenSC's place,
// through the same reader.
func TestArticleWithOurTool(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	tools := d.file("tools")
	if err := os.Mkdir(tools, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(bin, "sc-hsm-tool"), filepath.Join(tools, "sc-hsm-tool")); err != nil {
		t.Fatal(err)
	}
	d.path = tools + ":" + d.path
	d.run("our conclave", "hsm", "create", "--device", "article")
	stop := d.serve("article")
	d.article()
	stop()
}
