package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/cache"
)

// The world of requests that are `fixed`: what nondeterministic built-ins see is
// the same in every run, so that another implementation may be given the same.
// stdlib/tests/calls/world.rs is the other side.

// fixedNow is a time with digits in every place.
var fixedNow = time.Unix(1700000000, 123456789)

// fixedMachines may be talked to. Names are not among them: they would be looked up.
var fixedMachines = []string{"127.0.0.1", "10.1.2.3", "::1", "::", "2001:db8::1", "allowed.example"}

// fixedSeed gives 0, 1, 2...
type fixedSeed struct{ next byte }

func (s *fixedSeed) Read(buffer []byte) (int, error) {
	for i := range buffer {
		buffer[i] = s.next
		s.next++
	}
	return len(buffer), nil
}

func fixedRuntime() *ast.Term {
	return ast.MustParseTerm(`{"env": {"HOME": "/home/a"}, "version": "1.2.3", "commit": ""}`)
}

// echo answers one request on a connection with what it was asked, in JSON.
func echo(connection net.Conn) {
	defer connection.Close()
	request, err := http.ReadRequest(bufio.NewReader(connection))
	if err != nil {
		return
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	names := map[string]string{}
	for name, values := range request.Header {
		switch name {
		case "User-Agent", "Content-Length", "Accept-Encoding", "Connection":
		default:
			names[name] = strings.Join(values, "; ")
		}
	}
	text, err := compactJSON(map[string]any{
		"method": request.Method,
		"target": request.RequestURI,
		"host":   request.Host,
		"body":   string(body),
		"names":  names,
	})
	if err != nil {
		return
	}
	kind := "application/json"
	if strings.HasPrefix(request.URL.Path, "/text") {
		kind = "text/plain"
	}
	fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(text), text)
}

// network is one in which echo is at port 80 of every machine, and nothing else answers.
func network(transport *http.Transport) http.RoundTripper {
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	transport.Proxy = nil
	transport.DisableKeepAlives = true
	transport.DialContext = func(_ context.Context, kind, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err == nil && port != "80" {
			err = errors.New("no answer")
		}
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: kind, Err: err}
		}
		client, server := net.Pipe()
		go echo(server)
		return client, nil
	}
	return transport
}

// fix gives a query the fixed world, with a cache of its own for http.send.
func fix(query *topdown.Query) (*topdown.Query, error) {
	config, err := cache.ParseCachingConfig(nil)
	if err != nil {
		return nil, err
	}
	fixed := query.
		WithInterQueryBuiltinCache(cache.NewInterQueryCache(config)).
		WithTime(fixedNow).
		WithSeed(&fixedSeed{}).
		WithRuntime(fixedRuntime()).
		WithHTTPRoundTripper(network)
	return fixed, nil
}
