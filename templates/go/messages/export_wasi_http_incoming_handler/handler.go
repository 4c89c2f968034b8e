// Package export_wasi_http_incoming_handler is what the component exports: POST publishes a message. Edit it while `unbolt
// dev` runs.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"io"
	"net/http"

	"wit_component/wasi_http_types"
	"wit_component/wasihttp"
	"wit_component/wasmcloud_messaging_consumer"
	"wit_component/wasmcloud_messaging_types"
)

func answer(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST a message", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	message := wasmcloud_messaging_types.BrokerMessage{Subject: "@NAME@.posted", Body: body}
	if published := wasmcloud_messaging_consumer.Publish(message); published.IsErr() {
		http.Error(w, "the broker: "+published.Err(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintln(w, "published")
}

// Handle answers one request.
func Handle(in *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	wasihttp.Serve(http.HandlerFunc(answer), in, out)
}
