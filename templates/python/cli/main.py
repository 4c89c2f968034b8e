"""A program of the command line: unbolt run build/@NAME@.wasm -- ARGUMENTS"""

from wit_world import exports
from wit_world.imports import environment


class Run(exports.Run):
    def run(self) -> None:
        print("Hello from @NAME@", *environment.get_arguments()[1:])
