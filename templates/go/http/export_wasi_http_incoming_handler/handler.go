// Package export_wasi_http_incoming_handler is what the component exports: it answers requests. Edit it while `unbolt dev`
// runs.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"

	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"
	"wit_component/wasi_http_types"
	"wit_component/wasihttp"
)

func answer(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "Hello from @NAME@: %s %s\n", r.Method, r.URL.Path)
}

// Handle answers one request.
func Handle(in *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	defer collect()
	wasihttp.Serve(http.HandlerFunc(answer), in, out)
}

// While the host places something in this component's memory, nothing here may call the host; but a garbage collection
// does, to ask for the time. So none starts by itself: collect does, between requests.
func init() { debug.SetGCPercent(-1) }

func collect() {
	witRuntime.Unpin()
	var stats runtime.MemStats
	if runtime.ReadMemStats(&stats); stats.HeapAlloc > 8<<20 {
		runtime.GC()
	}
}
