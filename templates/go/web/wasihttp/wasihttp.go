// Package wasihttp lets an http.Handler answer a request of wasi:http.
package wasihttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	witTypes "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/guest"
	"wit_component/wasi_http_types"
	"wit_component/wasi_io_streams"
)

// Serve has the handler answer one request. The answer is sent when the handler has returned.
func Serve(handler http.Handler, in *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	defer guest.Collect()
	defer in.Drop()
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	body := &reader{}
	if request, err := requestOf(in, body); err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
	} else {
		handler.ServeHTTP(answer, request)
	}
	body.Close()
	answer.send(out)
}

func requestOf(in *wasi_http_types.IncomingRequest, body *reader) (*http.Request, error) {
	request, err := http.NewRequest(methodOf(in.Method()), in.PathWithQuery().SomeOr("/"), body)
	if err != nil {
		return nil, err
	}
	request.Host = in.Authority().SomeOr("")
	headers := in.Headers()
	for _, entry := range headers.Entries() {
		request.Header.Add(entry.F0, string(entry.F1))
	}
	headers.Drop()
	consumed := in.Consume()
	if consumed.IsErr() {
		return nil, errors.New("the body was taken already")
	}
	body.body = consumed.Ok()
	body.stream = body.body.Stream().Ok()
	return request, nil
}

func methodOf(method wasi_http_types.Method) string {
	switch method.Tag() {
	case wasi_http_types.MethodGet:
		return http.MethodGet
	case wasi_http_types.MethodHead:
		return http.MethodHead
	case wasi_http_types.MethodPost:
		return http.MethodPost
	case wasi_http_types.MethodPut:
		return http.MethodPut
	case wasi_http_types.MethodDelete:
		return http.MethodDelete
	case wasi_http_types.MethodConnect:
		return http.MethodConnect
	case wasi_http_types.MethodOptions:
		return http.MethodOptions
	case wasi_http_types.MethodTrace:
		return http.MethodTrace
	case wasi_http_types.MethodPatch:
		return http.MethodPatch
	default:
		return method.Other()
	}
}

// reader is the body of a request. A stream is a child of its body, so it goes first.
type reader struct {
	body   *wasi_http_types.IncomingBody
	stream *wasi_io_streams.InputStream
}

func (r *reader) Read(buffer []byte) (int, error) {
	if r.stream == nil {
		return 0, io.EOF
	}
	read := r.stream.BlockingRead(uint64(len(buffer)))
	if read.IsOk() {
		return copy(buffer, read.Ok()), nil
	}
	if failure := read.Err(); failure.Tag() != wasi_io_streams.StreamErrorClosed {
		reason := failure.LastOperationFailed()
		defer reason.Drop()
		return 0, errors.New(reason.ToDebugString())
	}
	return 0, io.EOF
}

func (r *reader) Close() error {
	if r.stream != nil {
		r.stream.Drop()
		r.body.Drop()
		r.stream, r.body = nil, nil
	}
	return nil
}

// recorder is the http.ResponseWriter: it keeps the answer until it is complete.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header            { return r.header }
func (r *recorder) WriteHeader(status int)         { r.status = status }
func (r *recorder) Write(data []byte) (int, error) { return r.body.Write(data) }

func (r *recorder) send(out *wasi_http_types.ResponseOutparam) {
	fields := wasi_http_types.MakeFields()
	if r.status != http.StatusNoContent {
		r.header.Set("Content-Length", strconv.Itoa(r.body.Len()))
	}
	for name, values := range r.header {
		for _, value := range values {
			fields.Append(name, []byte(value))
		}
	}
	response := wasi_http_types.MakeOutgoingResponse(fields)
	response.SetStatusCode(uint16(r.status))
	body := response.Body().Ok()
	wasi_http_types.ResponseOutparamSet(out,
		witTypes.Ok[*wasi_http_types.OutgoingResponse, wasi_http_types.ErrorCode](response))

	// The host takes at most 4096 bytes in one blocking write. One that fails means that the client left.
	stream := body.Write().Ok()
	for rest := r.body.Bytes(); len(rest) > 0; {
		part := rest[:min(len(rest), 4096)]
		if stream.BlockingWriteAndFlush(part).IsErr() {
			break
		}
		rest = rest[len(part):]
	}
	stream.Drop()
	wasi_http_types.OutgoingBodyFinish(body, witTypes.None[*wasi_http_types.Fields]())
}
