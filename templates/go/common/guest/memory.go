// Package guest keeps the memory of a component.
package guest

import (
	"runtime"
	"runtime/debug"

	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"
)

// While the host places something in this component's memory, nothing here may call the host; but a garbage collection
// does, to ask for the time. So none starts by itself: Collect does, between calls.
func init() { debug.SetGCPercent(-1) }

// Collect is for the end of each call from outside.
func Collect() {
	witRuntime.Unpin()
	var stats runtime.MemStats
	if runtime.ReadMemStats(&stats); stats.HeapAlloc > 8<<20 {
		runtime.GC()
	}
}
