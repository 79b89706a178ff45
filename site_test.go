package main

import (
	"encoding/json"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Every page of docs/ is in the sidebar of the site, once, and every page of the sidebar exists.
func TestSidebarHasEveryPage(t *testing.T) {
	t.Parallel()
	var topics []struct {
		Topic string
		Pages []struct{ File, Page string }
	}
	if err := json.Unmarshal([]byte(read(t, "web/site/sidebar.json")), &topics); err != nil {
		t.Fatal(err)
	}
	listed, addresses := map[string]bool{}, map[string]bool{}
	for _, topic := range topics {
		for _, p := range topic.Pages {
			address := p.Page
			if address == "" {
				address = strings.TrimPrefix(p.File, "docs/")
			}
			if listed[p.File] || addresses[strings.ToLower(address)] {
				t.Errorf("web/site/sidebar.json has %s or its address %s twice", p.File, address)
			}
			listed[p.File], addresses[strings.ToLower(address)] = true, true
			read(t, p.File)
		}
	}
	err := filepath.WalkDir("docs", func(path string, d fs.DirEntry, err error) error {
		path = filepath.ToSlash(path)
		if err == nil && strings.HasSuffix(path, ".md") && !listed[path] {
			t.Errorf("%s is missing from web/site/sidebar.json: add it to a topic", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
