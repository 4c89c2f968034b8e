// PUT switches the alert light on, DELETE off again. Edit it while `unbolt dev` runs.
import { setLevel } from 'unbolt:pins/board@0.1.0';
import { serve } from './serve.js';

export const incomingHandler = serve(async ({ method }) => {
  if (method !== 'PUT' && method !== 'DELETE') return new Response('PUT or DELETE\n', { status: 405 });
  const on = method === 'PUT';
  setLevel('alert', on ? 'high' : 'low');
  return new Response(`the alert light is ${on ? 'on' : 'off'}\n`);
});
