package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/open-policy-agent/opa/v1/util"
)

// exportCases writes the YAML cases of the OPA module as JSON, number text
// kept, one file for each: DIR/cases/{v0,v1}/<folder> and DIR/compilecases.
func exportCases(dir string) error {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/open-policy-agent/opa").Output()
	if err != nil {
		return fmt.Errorf("go list: %w (run this inside conformance-suite/oracle)", err)
	}
	module := strings.TrimSpace(string(out))
	for _, kind := range []string{"cases", "compilecases"} {
		from := filepath.Join(module, "v1", "test", kind, "testdata")
		files := 0
		err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			ext := filepath.Ext(path)
			if ext != ".yaml" && ext != ".yml" && ext != ".json" {
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var value any
			if err := util.Unmarshal(text, &value); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			relative, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			target := filepath.Join(dir, kind, strings.TrimSuffix(relative, ext)+".json")
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			json, err := indentedJSON(value)
			if err != nil {
				return err
			}
			files++
			return os.WriteFile(target, json, 0o644)
		})
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d files\n", filepath.Join(dir, kind), files)
	}
	// The tables that the declarations of built-ins are compared with.
	for _, name := range []string{"capabilities.json", "builtin_metadata.json"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
