// Makes a handler of wasi:http of a function from Request to Response.
import { Fields, IncomingBody, OutgoingBody, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@0.2.12';

// The host takes at most this much in one blocking write.
const MOST = 4096;

export function serve(answer) {
  return {
    async handle(incoming, out) {
      let response;
      try {
        response = await answer(requestOf(incoming));
      } catch (error) {
        response = new Response(`${error}\n`, { status: 500 });
      }
      const body = new Uint8Array(await response.arrayBuffer());
      send(out, response.status, [...response.headers], body);
    },
  };
}

function requestOf(incoming) {
  const method = incoming.method();
  const headers = new Headers();
  for (const [name, value] of incoming.headers().entries()) headers.append(name, new TextDecoder().decode(value));
  const url = `http://${incoming.authority() ?? 'localhost'}${incoming.pathWithQuery() ?? '/'}`;
  const name = (method.val ?? method.tag).toUpperCase();
  const body = name === 'GET' || name === 'HEAD' ? undefined : read(incoming.consume());
  return new Request(url, { method: name, headers, body });
}

function read(incoming) {
  const stream = incoming.stream();
  const parts = [];
  try {
    for (;;) parts.push(stream.blockingRead(65536n));
  } catch (error) {
    if (error.payload?.tag !== 'closed') throw error;
  }
  stream[Symbol.dispose]();
  IncomingBody.finish(incoming);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function send(out, status, headers, bytes) {
  const encoder = new TextEncoder();
  const fields = Fields.fromList([
    ...headers.map(([name, value]) => [name, encoder.encode(value)]),
    ['content-length', encoder.encode(`${bytes.length}`)],
  ]);
  const response = new OutgoingResponse(fields);
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  const stream = body.write();
  try {
    for (let at = 0; at < bytes.length; at += MOST) stream.blockingWriteAndFlush(bytes.subarray(at, at + MOST));
  } catch {
    return; // the client left
  } finally {
    stream[Symbol.dispose]();
  }
  OutgoingBody.finish(body, undefined);
}
