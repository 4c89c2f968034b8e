// Package export_wasmcloud_messaging_handler is what the component exports: it logs each message.
package export_wasmcloud_messaging_handler

import (
	witTypes "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/guest"
	"wit_component/wasi_logging_logging"
	"wit_component/wasmcloud_messaging_types"
)

// HandleMessage handles one message. An error has the broker bring it again, where it can do that.
func HandleMessage(message wasmcloud_messaging_types.BrokerMessage) witTypes.Result[witTypes.Unit, string] {
	defer guest.Collect()
	wasi_logging_logging.Log(wasi_logging_logging.LevelInfo, message.Subject, string(message.Body))
	return witTypes.Ok[witTypes.Unit, string](witTypes.Unit{})
}
