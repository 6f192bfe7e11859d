package edge_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"glance/tools/api/apitest"
)

// TestReadme runs the curl commands of README.md.
func TestReadme(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, config{vars: map[string]string{"DEFAULT_MODEL": moderation}})
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"photo.jpg": apitest.JPEG(t, apitest.Picture(400, 300, 1)),
		"photo.rgb": apitest.RGB(apitest.Picture(224, 224, 1)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"/classify": "predictions", "/embed": "embedding", "/models": "models", "/healthz": "status"}
	ran := 0
	for _, line := range strings.Split(string(readme), "\n") {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		ran++
		cmd := exec.Command("sh", "-c", strings.Replace(line, "curl ", "curl --silent --show-error --noproxy '*' ", 1))
		cmd.Args[2] = strings.ReplaceAll(cmd.Args[2], "http://127.0.0.1:8787", w.url)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		var answer map[string]any
		if err != nil || json.Unmarshal(out, &answer) != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
			continue
		}
		for path, field := range want {
			if strings.Contains(line, path) && answer[field] == nil {
				t.Errorf("%s: no %s in %.300s", line, field, out)
			}
		}
	}
	if ran < 6 {
		t.Errorf("README.md has %d curl commands", ran)
	}
}
