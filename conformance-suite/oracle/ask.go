package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/util"
	"github.com/open-policy-agent/opa/v1/version"
)

// Request is one question. The fields that OPA's case files have too mean the
// same here.
type Request struct {
	Modules []Module `json:"modules"`
	Query   *string  `json:"query"`

	// v1 (the default), v0, or v0-compat-v1.
	RegoVersion string `json:"rego_version"`
	// The compiler's strict mode.
	Strict bool `json:"strict"`
	// Allow `import future.keywords.and` and `or`.
	ExperimentalKeywords bool `json:"experimental_keywords"`
	// Keep print calls, as `opa check` does, instead of erasing them.
	PrintStatements bool `json:"print_statements"`
	// Read METADATA comments and check types against their schemas, as `opa check` does.
	Annotations bool `json:"annotations"`
	// Schemas by reference: {"schema": {the schema of input}, "schema.x": {...}}.
	Schemas map[string]any `json:"schemas"`
	// Built-ins that may not be called.
	UnsafeBuiltins []string `json:"unsafe_builtins"`

	Data      *map[string]any   `json:"data"`
	Input     *any              `json:"input"`
	InputTerm *string           `json:"input_term"`
	Env       map[string]string `json:"env"`
	// The first error of a built-in ends the evaluation. `strict_error` is the
	// name that case files use.
	StrictBuiltinErrors bool `json:"strict_builtin_errors"`
	StrictError         bool `json:"strict_error"`
	// Give up after so many milliseconds; 0 is never.
	TimeoutMS int `json:"timeout_ms"`
	// Time, chance, runtime and network of fixed.go, not those of the machine.
	Fixed bool `json:"fixed"`
}

// Module is a policy text; case files give the text only.
type Module struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// UnmarshalJSON accepts {"name": .., "text": ..} or the bare text.
func (m *Module) UnmarshalJSON(bs []byte) error {
	if len(bs) > 0 && bs[0] == '"' {
		return json.Unmarshal(bs, &m.Text)
	}
	type plain Module
	return json.Unmarshal(bs, (*plain)(m))
}

// Answer holds a result or errors, never both.
type Answer struct {
	// Bindings, one object per solution, in OPA's order. Sets are sorted arrays.
	Result *[]map[string]any `json:"result,omitempty"`
	Errors []Error           `json:"errors,omitempty"`
	// `check` succeeded.
	OK bool `json:"ok,omitempty"`
}

// Error is one diagnostic. Text is what OPA prints for the whole of it.
type Error struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	File    string   `json:"file,omitempty"`
	Row     int      `json:"row,omitempty"`
	Col     int      `json:"col,omitempty"`
	Details []string `json:"details,omitempty"`
	Text    string   `json:"text,omitempty"`
}

func opaVersion() string { return version.Version }

func readRequest(line []byte) (*Request, error) {
	var req Request
	if err := util.UnmarshalJSON(line, &req); err != nil {
		return nil, err
	}
	for i := range req.Modules {
		if req.Modules[i].Name == "" {
			req.Modules[i].Name = fmt.Sprintf("test-%d.rego", i)
		}
	}
	return &req, nil
}

func (req *Request) regoVersion() (ast.RegoVersion, error) {
	switch req.RegoVersion {
	case "", "v1":
		return ast.RegoV1, nil
	case "v0":
		return ast.RegoV0, nil
	case "v0-compat-v1":
		return ast.RegoV0CompatV1, nil
	}
	return ast.RegoUndefined, fmt.Errorf("unknown rego_version %q", req.RegoVersion)
}

// compile parses every module, collecting the parse errors of all of them in
// the order of the request, and then compiles.
func compile(req *Request) (*ast.Compiler, error) {
	regoVersion, err := req.regoVersion()
	if err != nil {
		return nil, err
	}
	capabilityOptions := []ast.CapabilitiesOption{ast.CapabilitiesRegoVersion(regoVersion)}
	if req.ExperimentalKeywords {
		capabilityOptions = append(capabilityOptions, ast.CapabilitiesExperimentalKeywords(true))
	}
	capabilities := ast.CapabilitiesForThisVersion(capabilityOptions...)
	if req.Fixed {
		capabilities.AllowNet = fixedMachines
	}
	parserOptions := ast.ParserOptions{
		RegoVersion:       regoVersion,
		Capabilities:      capabilities,
		ProcessAnnotation: req.Annotations,
	}

	var parseErrors ast.Errors
	modules := make(map[string]*ast.Module, len(req.Modules))
	for _, m := range req.Modules {
		parsed, err := ast.ParseModuleWithOpts(m.Name, m.Text, parserOptions)
		var errs ast.Errors
		switch {
		case errors.As(err, &errs):
			parseErrors = append(parseErrors, errs...)
		case err != nil:
			return nil, err
		case parsed == nil:
			parseErrors = append(parseErrors, &ast.Error{Code: ast.ParseErr, Message: "empty module", Location: ast.NewLocation(nil, m.Name, 0, 0)})
		default:
			modules[m.Name] = parsed
		}
	}
	if len(parseErrors) > 0 {
		return nil, parseErrors
	}

	compiler := ast.NewCompiler().
		WithDefaultRegoVersion(regoVersion).
		WithCapabilities(capabilities).
		WithStrict(req.Strict).
		WithEnablePrintStatements(req.PrintStatements).
		WithUseTypeCheckAnnotations(req.Annotations)
	if len(req.Schemas) > 0 {
		set := ast.NewSchemaSet()
		for path, schema := range req.Schemas {
			// The root alone is a variable to the parser.
			ref := ast.SchemaRootRef
			if path != "schema" {
				var err error
				if ref, err = ast.ParseRef(path); err != nil {
					return nil, err
				}
			}
			set.Put(ref, schema)
		}
		compiler = compiler.WithSchemas(set)
	}
	if len(req.UnsafeBuiltins) > 0 {
		names := make(map[string]struct{}, len(req.UnsafeBuiltins))
		for _, name := range req.UnsafeBuiltins {
			names[name] = struct{}{}
		}
		compiler = compiler.WithUnsafeBuiltins(names)
	}
	if req.Data != nil {
		store := inmem.NewFromObject(*req.Data)
		txn := storage.NewTransactionOrDie(context.Background(), store)
		compiler = compiler.WithPathConflictsCheck(storage.NonEmpty(context.Background(), store, txn))
	}
	compiler.Compile(modules)
	if compiler.Failed() {
		return nil, compiler.Errors
	}
	return compiler, nil
}

func compileQuery(req *Request, compiler *ast.Compiler) (ast.Body, error) {
	// The cases are run so: the query is always Rego v1 without imports.
	body, err := ast.ParseBodyWithOpts(*req.Query, ast.ParserOptions{RegoVersion: ast.RegoV1, SkipRules: true})
	if err != nil {
		return nil, err
	}
	return compiler.QueryCompiler().
		WithUnsafeBuiltins(unsafeSet(req.UnsafeBuiltins)).
		WithEnablePrintStatements(req.PrintStatements).
		Compile(body)
}

func unsafeSet(names []string) map[string]struct{} {
	if len(names) == 0 {
		return nil
	}
	set := make(map[string]struct{}, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}

func check(req *Request) Answer {
	compiler, err := compile(req)
	if err == nil && req.Query != nil {
		_, err = compileQuery(req, compiler)
	}
	if err != nil {
		return Answer{Errors: toErrors(err)}
	}
	return Answer{OK: true}
}

func evaluate(req *Request) Answer {
	if req.Query == nil {
		return Answer{Errors: []Error{{Code: "oracle_request_error", Message: "no query"}}}
	}
	for k, v := range req.Env {
		old, had := os.LookupEnv(k)
		os.Setenv(k, v)
		defer func() {
			if had {
				os.Setenv(k, old)
			} else {
				os.Unsetenv(k)
			}
		}()
	}
	data := req.Data
	// Cases may mount data below a package: that is a check of `opa eval`, not of the case runner.
	req.Data = nil
	compiler, err := compile(req)
	if err != nil {
		return Answer{Errors: toErrors(err)}
	}
	query, err := compileQuery(req, compiler)
	if err != nil {
		return Answer{Errors: toErrors(err)}
	}

	ctx := context.Background()
	cancel := topdown.NewCancel()
	if req.TimeoutMS > 0 {
		timer := time.AfterFunc(time.Duration(req.TimeoutMS)*time.Millisecond, cancel.Cancel)
		defer timer.Stop()
	}
	store := inmem.NewWithOpts(inmem.OptRoundTripOnWrite(false))
	if data != nil {
		store = inmem.NewFromObjectWithOpts(*data, inmem.OptRoundTripOnWrite(false))
	}
	txn := storage.NewTransactionOrDie(ctx, store)
	var input *ast.Term
	if req.InputTerm != nil {
		input, err = ast.ParseTerm(*req.InputTerm)
		if err != nil {
			return Answer{Errors: toErrors(err)}
		}
	} else if req.Input != nil {
		value, err := ast.InterfaceToValue(*req.Input)
		if err != nil {
			return Answer{Errors: toErrors(err)}
		}
		input = ast.NewTerm(value)
	}

	run := topdown.NewQuery(query)
	if req.Fixed {
		if run, err = fix(run); err != nil {
			return Answer{Errors: toErrors(err)}
		}
	}
	solutions, err := run.
		WithCompiler(compiler).
		WithStore(store).
		WithTransaction(txn).
		WithInput(input).
		WithStrictBuiltinErrors(req.StrictBuiltinErrors || req.StrictError).
		WithCancel(cancel).
		Run(ctx)
	if err != nil {
		return Answer{Errors: toErrors(err)}
	}
	result := make([]map[string]any, 0, len(solutions))
	for _, solution := range solutions {
		bindings := make(map[string]any, len(solution))
		for name, term := range solution {
			value, err := ast.JSON(term.Value)
			if err != nil {
				return Answer{Errors: toErrors(err)}
			}
			bindings[string(name)] = value
		}
		result = append(result, bindings)
	}
	return Answer{Result: &result}
}

func toErrors(err error) []Error {
	// Run-time errors first: they may wrap compile errors of rego.parse_module.
	var run *topdown.Error
	if errors.As(err, &run) {
		out := Error{Code: run.Code, Message: run.Message, Text: run.Error()}
		if run.Location != nil {
			out.File, out.Row, out.Col = run.Location.File, run.Location.Row, run.Location.Col
		}
		return []Error{out}
	}
	var many ast.Errors
	if errors.As(err, &many) {
		out := make([]Error, 0, len(many))
		for _, e := range many {
			out = append(out, fromCompileError(e))
		}
		return out
	}
	var one *ast.Error
	if errors.As(err, &one) {
		return []Error{fromCompileError(one)}
	}
	return []Error{{Code: "error", Message: err.Error(), Text: err.Error()}}
}

func fromCompileError(e *ast.Error) Error {
	out := Error{Code: e.Code, Message: e.Message, Text: e.Error()}
	if e.Location != nil {
		out.File, out.Row, out.Col = e.Location.File, e.Location.Row, e.Location.Col
	}
	if e.Details != nil {
		out.Details = e.Details.Lines()
	}
	return out
}
