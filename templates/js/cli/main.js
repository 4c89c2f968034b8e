// A program of the command line: unbolt run build/@NAME@.wasm -- ARGUMENTS
import { getArguments } from 'wasi:cli/environment@0.2.12';

export const run = {
  run() {
    const [, ...words] = getArguments();
    console.log(['Hello from @NAME@', ...words].join(' '));
  },
};
