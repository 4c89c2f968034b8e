// Package export_wasi_http_incoming_handler is what the component exports; the generated main package calls it.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"

	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"
	"wit_component/kv"
	"wit_component/orders"
	"wit_component/wasi_http_types"
	"wit_component/wasi_logging_logging"
	"wit_component/wasihttp"
)

// While the host places something in this component's memory, nothing here may call the host; but a garbage collection
// does, to ask for the time, and what the host places may start one. So none starts by itself: collect does, between
// requests.
func init() { debug.SetGCPercent(-1) }

// enoughToCollect is how many bytes an instance may hold after a request before it looks for garbage.
const enoughToCollect = 8 << 20

func collect() {
	// What the host has placed here stays pinned until now.
	witRuntime.Unpin()
	var stats runtime.MemStats
	if runtime.ReadMemStats(&stats); stats.HeapAlloc > enoughToCollect {
		runtime.GC()
	}
}

// Handle answers one request: a bucket is opened for it, and closed when it is answered.
func Handle(in *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	defer collect()
	bucket, err := kv.Open("default")
	if err != nil {
		wasihttp.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}), in, out)
		return
	}
	defer bucket.Close()
	service := &orders.Service{Store: bucket, Log: log}
	wasihttp.Serve(service.Handler(), in, out)
}

func log(format string, args ...any) {
	wasi_logging_logging.Log(wasi_logging_logging.LevelInfo, "orders", fmt.Sprintf(format, args...))
}
