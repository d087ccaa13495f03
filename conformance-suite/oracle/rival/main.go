// The rival of the benchmarks: OPA's library with a prepared query. benches/rivals builds and runs it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/util"
)

// job is what benches/rivals asks for.
type job struct {
	Policy string  `json:"policy"`
	Query  string  `json:"query"`
	Input  *string `json:"input"`
	Data   *string `json:"data"`
	Runs   int     `json:"runs"`
	// Whether the way from the bytes to the answer is timed too.
	FromBytes bool `json:"from_bytes"`
}

// span is a time as serde writes a Duration.
type span struct {
	Secs  int64 `json:"secs"`
	Nanos int64 `json:"nanos"`
}

func since(start time.Time) span {
	d := time.Since(start)
	return span{int64(d / time.Second), int64(d % time.Second)}
}

type report struct {
	Read     []span `json:"read"`
	Evaluate []span `json:"evaluate"`
	Bytes    []span `json:"bytes"`
	Answer   any    `json:"answer"`
	Peak     uint64 `json:"peak"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var j job
	if err := json.Unmarshal([]byte(os.Args[1]), &j); err != nil {
		return err
	}
	policy, err := os.ReadFile(j.Policy)
	if err != nil {
		return err
	}
	options := []func(*rego.Rego){rego.Query(j.Query), rego.Module("policy.rego", string(policy))}
	if j.Data != nil {
		data, err := document(*j.Data)
		if err != nil {
			return err
		}
		options = append(options, rego.Store(inmem.NewFromObject(data.(map[string]any))))
	}
	ctx := context.Background()
	query, err := rego.New(options...).PrepareForEval(ctx)
	if err != nil {
		return err
	}
	text := []byte("null")
	if j.Input != nil {
		if text, err = os.ReadFile(*j.Input); err != nil {
			return err
		}
	}
	out := report{Evaluate: []span{}, Bytes: []span{}}
	start := time.Now()
	input, err := read(text)
	if err != nil {
		return err
	}
	out.Read = []span{since(start)}
	// Large inputs take it seconds: they are read once.
	if len(text) < 1<<20 {
		out.Read, err = times(j.Runs, func() error {
			_, err := read(text)
			return err
		})
		if err != nil {
			return err
		}
	}
	out.Evaluate, err = times(j.Runs, func() error {
		results, err := query.Eval(ctx, rego.EvalParsedInput(input))
		if err == nil && len(results) > 0 {
			out.Answer = results[0].Expressions[0].Value
		}
		return err
	})
	if err != nil {
		return err
	}
	out.Peak = peak()
	if j.FromBytes {
		out.Bytes, err = times(j.Runs, func() error {
			input, err := read(text)
			if err != nil {
				return err
			}
			_, err = query.Eval(ctx, rego.EvalParsedInput(input))
			return err
		})
		if err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// slow: a first run that takes longer is the only one.
const slow = 2 * time.Second

// times measures several runs, after one that is not counted unless it is the only one.
func times(runs int, run func() error) ([]span, error) {
	list := []span{}
	for i := 0; i <= runs; i++ {
		start := time.Now()
		if err := run(); err != nil {
			return nil, err
		}
		if i == 0 && time.Since(start) > slow {
			return []span{since(start)}, nil
		}
		if i > 0 {
			list = append(list, since(start))
		}
	}
	return list, nil
}

func document(path string) (any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var value any
	return value, util.UnmarshalJSON(text, &value)
}

// read makes a value of a text, as the command does.
func read(text []byte) (ast.Value, error) {
	var value any
	if err := util.UnmarshalJSON(text, &value); err != nil {
		return nil, err
	}
	return ast.InterfaceToValue(value)
}

// peak is the largest resident memory of this process so far.
func peak() uint64 {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			number, _ := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return number * 1024
		}
	}
	return 0
}
