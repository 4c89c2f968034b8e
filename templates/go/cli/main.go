// A program of the command line: unbolt run build/@NAME@.wasm -- ARGUMENTS
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	fmt.Println("Hello from @NAME@", strings.Join(os.Args[1:], " "))
}
