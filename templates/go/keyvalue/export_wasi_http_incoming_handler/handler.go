// Package export_wasi_http_incoming_handler is what the component exports: it counts the visits of each path in a key-value
// store. Edit it while `unbolt dev` runs: the counts stay.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"net/http"

	"wit_component/wasi_http_types"
	"wit_component/wasi_keyvalue_atomics"
	"wit_component/wasi_keyvalue_store"
	"wit_component/wasihttp"
)

func answer(w http.ResponseWriter, r *http.Request) {
	opened := wasi_keyvalue_store.Open("default")
	if opened.IsErr() {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	bucket := opened.Ok()
	defer bucket.Drop()
	visits := wasi_keyvalue_atomics.Increment(bucket, r.URL.Path, 1)
	if visits.IsErr() {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "%s was visited %d times\n", r.URL.Path, visits.Ok())
}

// Handle answers one request.
func Handle(in *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	wasihttp.Serve(http.HandlerFunc(answer), in, out)
}
