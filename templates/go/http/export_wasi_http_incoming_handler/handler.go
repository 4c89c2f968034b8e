// Package export_wasi_http_incoming_handler is what the component exports: it answers requests. Edit it while `unbolt dev`
// runs.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"net/http"

	"wit_component/wasi_http_types"
	"wit_component/wasihttp"
)

func answer(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "Hello from @NAME@: %s %s\n", r.Method, r.URL.Path)
}

// Handle answers one request.
func Handle(in *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	wasihttp.Serve(http.HandlerFunc(answer), in, out)
}
