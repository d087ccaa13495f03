package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/open-policy-agent/opa/v1/util"
)

// A case file is {"cases": [{...}]}. A case is kept as the object it is, so
// that recording touches nothing but the answers.
type caseFile struct {
	Cases []map[string]any `json:"cases"`
}

// record asks anew for every case below the folders and rewrites the files
// whose answers differ. A case with a `query` and without `want_errors` below a
// folder `compile` is an evaluation case; all others are compile cases.
func record(args []string) error {
	dry := false
	var dirs []string
	for _, arg := range args {
		if arg == "-n" {
			dry = true
		} else {
			dirs = append(dirs, arg)
		}
	}
	if len(dirs) == 0 {
		return errors.New("record wants at least one folder")
	}
	total, changed, problems := 0, 0, 0
	notes := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var file caseFile
			if err := util.UnmarshalJSON(text, &file); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			dirty := false
			for _, c := range file.Cases {
				note, _ := c["note"].(string)
				if note == "" {
					return fmt.Errorf("%s: a case has no note", path)
				}
				if other, taken := notes[note]; taken {
					return fmt.Errorf("%s: the note %q is taken by %s", path, note, other)
				}
				notes[note] = path
				before := wants(c)
				total++
				if err := recordCase(c, path); err != nil {
					problems++
					fmt.Printf("%s: %s\n  ! %s\n", path, note, err)
					continue
				}
				if after := wants(c); before != after {
					changed++
					dirty = true
					fmt.Printf("%s: %s\n%s", path, note, lineDiff(before, after))
				}
			}
			if dirty && !dry {
				return writeCaseFile(path, file)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	fmt.Printf("%d cases asked of OPA %s, %d answers changed\n", total, opaVersion(), changed)
	if problems > 0 {
		return fmt.Errorf("%d cases could not be recorded", problems)
	}
	return nil
}

var wantKeys = []string{"want_result", "want_error_code", "want_error", "want_errors", "exhaustive"}

func recordCase(c map[string]any, path string) error {
	text, err := compactJSON(c)
	if err != nil {
		return err
	}
	req, err := readRequest(text)
	if err != nil {
		return err
	}
	slashed := "/" + filepath.ToSlash(path)
	if req.RegoVersion == "" && strings.Contains(slashed, "/v0/") {
		req.RegoVersion = "v0"
	}
	compileCase := strings.Contains(slashed, "/compile/")
	for _, key := range wantKeys {
		delete(c, key)
	}

	if compileCase {
		answer := guarded(req, check)
		// Text that looks wrong and is not: kept in files of its own, so that a
		// case meant to be an error is never recorded as accepted by mistake.
		if answer.OK != (filepath.Base(path) == "accepted.json") {
			if answer.OK {
				return errors.New("OPA accepts it: move it to accepted.json")
			}
			return fmt.Errorf("OPA does not accept it: %v", answer.Errors)
		}
		list := []any{}
		for _, e := range answer.Errors {
			if strings.HasPrefix(e.Code, "oracle_") {
				return errors.New(e.Message)
			}
			item := map[string]any{"code": e.Code, "message": e.Message, "row": e.Row, "col": e.Col}
			if e.File != "test-0.rego" {
				item["module"] = e.File
			}
			if len(e.Details) > 0 {
				item["details"] = e.Details
			}
			list = append(list, item)
		}
		c["want_errors"] = list
		c["exhaustive"] = true
		return nil
	}

	answer := guarded(req, evaluate)
	switch {
	case answer.Result != nil:
		if ignore, _ := c["ignore_generated_vars"].(bool); ignore {
			for _, bindings := range *answer.Result {
				for name := range bindings {
					if strings.HasPrefix(name, "__localq") {
						delete(bindings, name)
					}
				}
			}
		}
		c["want_result"] = *answer.Result
	case len(answer.Errors) == 1 && strings.HasPrefix(answer.Errors[0].Code, "eval_"):
		c["want_error_code"] = answer.Errors[0].Code
		c["want_error"] = answer.Errors[0].Text
	default:
		return fmt.Errorf("does not compile: %v", answer.Errors)
	}
	return nil
}

// wants is the recorded part of a case, as text that can be compared by lines.
func wants(c map[string]any) string {
	part := map[string]any{}
	for _, key := range wantKeys {
		if v, ok := c[key]; ok {
			part[key] = v
		}
	}
	text, err := indentedJSON(part)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// lineDiff shows the lines that only one side has; common head and tail are left out.
func lineDiff(before, after string) string {
	a, b := strings.Split(strings.TrimRight(before, "\n"), "\n"), strings.Split(strings.TrimRight(after, "\n"), "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var out strings.Builder
	for _, line := range a {
		fmt.Fprintf(&out, "  - %s\n", line)
	}
	for _, line := range b {
		fmt.Fprintf(&out, "  + %s\n", line)
	}
	return out.String()
}

func writeCaseFile(path string, file caseFile) error {
	text, err := indentedJSON(map[string]any{"cases": file.Cases})
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func indentedJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
