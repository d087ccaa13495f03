// Command oracle answers questions about Rego the way OPA does.
//
// It is a test tool. The product and its tests need no Go: what the oracle
// says is recorded in conformance-suite/cases and compared there.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

const usage = `usage:
  oracle eval                 one JSON request per line on stdin, one JSON answer per line on stdout
  oracle check                the same, compiling only
  oracle record [-n] DIR...   record the answers of the cases below DIR anew and show what changed (-n: change nothing)
  oracle export-cases DIR     write the cases that come with the OPA module, as JSON, below DIR/cases and DIR/compilecases
  oracle version              the version of OPA that answers
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	command := "eval"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "eval":
		return answerLines(os.Stdin, os.Stdout, evaluate)
	case "check":
		return answerLines(os.Stdin, os.Stdout, check)
	case "record":
		return record(args)
	case "export-cases":
		if len(args) != 1 {
			return fmt.Errorf("export-cases wants one folder\n%s", usage)
		}
		return exportCases(args[0])
	case "version":
		fmt.Println(opaVersion())
		return nil
	default:
		return fmt.Errorf("unknown command %q\n%s", command, usage)
	}
}

// answerLines reads one request per line and writes one answer per line, in
// order, flushing after each so that a caller may converse.
func answerLines(in io.Reader, out io.Writer, answer func(*Request) Answer) error {
	reader := bufio.NewReaderSize(in, 1<<20)
	for {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var reply Answer
			req, perr := readRequest(line)
			if perr != nil {
				reply = Answer{Errors: []Error{{Code: "oracle_request_error", Message: perr.Error()}}}
			} else {
				reply = guarded(req, answer)
			}
			text, merr := compactJSON(reply)
			if merr != nil {
				return merr
			}
			if _, werr := out.Write(append(text, '\n')); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// guarded turns a panic inside OPA into an answer: generated inputs find them.
func guarded(req *Request, answer func(*Request) Answer) (reply Answer) {
	defer func() {
		if r := recover(); r != nil {
			reply = Answer{Errors: []Error{{Code: "oracle_panic", Message: fmt.Sprint(r)}}}
		}
	}()
	return answer(req)
}

func compactJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
