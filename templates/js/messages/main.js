// POST publishes a message, and the handler of messages below logs it. Edit it while `unbolt dev` runs.
import { log } from 'wasi:logging/logging@0.1.0-draft';
import { publish } from 'wasmcloud:messaging/consumer@0.2.0';
import { serve } from './serve.js';

export const incomingHandler = serve(async (request) => {
  if (request.method !== 'POST') return new Response('POST a message\n', { status: 405 });
  publish({ subject: '@NAME@.posted', body: new Uint8Array(await request.arrayBuffer()) });
  return new Response('published\n', { status: 202 });
});

export const handler = {
  handleMessage(message) {
    log('info', message.subject, new TextDecoder().decode(message.body));
  },
};
