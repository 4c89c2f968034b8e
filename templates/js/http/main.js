// Answers requests. Edit it while `unbolt dev` runs.
import { serve } from './serve.js';

export const incomingHandler = serve(async (request) => {
  const { pathname } = new URL(request.url);
  return new Response(`Hello from @NAME@: ${request.method} ${pathname}\n`);
});
