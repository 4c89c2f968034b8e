// Package export_wasi_http_incoming_handler is what the component exports: PUT switches the alert light on, DELETE off again.
// Edit it while `unbolt dev` runs.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"net/http"

	"wit_component/unbolt_pins_board"
	"wit_component/wasi_http_types"
	"wit_component/wasihttp"
)

func answer(w http.ResponseWriter, r *http.Request) {
	level, state := unbolt_pins_board.LevelLow, "off"
	switch r.Method {
	case http.MethodPut:
		level, state = unbolt_pins_board.LevelHigh, "on"
	case http.MethodDelete:
	default:
		http.Error(w, "PUT or DELETE", http.StatusMethodNotAllowed)
		return
	}
	if set := unbolt_pins_board.SetLevel("alert", level); set.IsErr() {
		http.Error(w, "the board has no output named alert", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "the alert light is %s\n", state)
}

// Handle answers one request.
func Handle(in *wasi_http_types.IncomingRequest, out *wasi_http_types.ResponseOutparam) {
	wasihttp.Serve(http.HandlerFunc(answer), in, out)
}
