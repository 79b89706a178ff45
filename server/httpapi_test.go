package server

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The examples of docs/http-api.md work as they stand there.
func TestDocumentedExamples(t *testing.T) {
	page, err := os.ReadFile("../docs/http-api.md")
	if err != nil {
		t.Fatal(err)
	}
	base := serveAPI(t, newTestHub(t))
	bodies := regexp.MustCompile(`(?s)-d '(.*?)'`).FindAllSubmatch(page, -1)
	if len(bodies) != 3 {
		t.Fatalf("%d examples", len(bodies))
	}
	for _, body := range bodies {
		if res, answer := publishTo(t, base, string(body[1])); res.StatusCode != 200 || strings.Contains(answer, `"error"`) {
			t.Errorf("%s: %d %s", body[1], res.StatusCode, answer)
		}
	}
	_, answer := publishTo(t, base, `{"target":{"user":7}}`)
	want := regexp.MustCompile(`\{"type":"about:blank".*\}`).FindString(string(page))
	want = regexp.MustCompile(`"request_id":"[^"]*"`).ReplaceAllString(want, `"request_id":"req-1"`)
	if answer != want+"\n" {
		t.Errorf("the page shows\n%s\nthe server answers\n%s", want, answer)
	}
	for code := range map[string]bool{codeValidation: true, codeUnauthenticated: true, codeForbidden: true, codeNotFound: true, codeMethod: true,
		codeTimeout: true, codeTooLarge: true, codeMediaType: true, codeRateLimited: true, codeUnavailable: true, codeInternal: true} {
		if !strings.Contains(string(page), "| `"+code+"` |") {
			t.Errorf("the page does not list %s", code)
		}
	}
}
