// Counts the visits of each path in a key-value store. Edit it while `unbolt dev` runs: the counts stay.
import { increment } from 'wasi:keyvalue/atomics@0.2.0-draft';
import { open } from 'wasi:keyvalue/store@0.2.0-draft';
import { serve } from './serve.js';

export const incomingHandler = serve(async (request) => {
  const { pathname } = new URL(request.url);
  const visits = increment(open('default'), pathname, 1n);
  return new Response(`${pathname} was visited ${visits} times\n`);
});
