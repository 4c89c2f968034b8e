// GET /feed/NAME: who NAME is and what NAME wrote last, of two answers of another service, asked for at the same time.
import { get as config } from 'wasi:config/store@0.2.0-rc.1';
import { log } from 'wasi:logging/logging@0.1.0-draft';
import { serve } from './serve.js';

const MOST_POSTS = 10;

export const incomingHandler = serve(async (request) => {
  const match = new URL(request.url).pathname.match(/^\/feed\/([\w-]+)$/);
  if (!match) return json(404, { error: 'try /feed/NAME' });
  if (request.method !== 'GET') return json(405, { error: 'only GET' }, { allow: 'GET' });

  const upstream = config('upstream');
  if (!upstream) return json(500, { error: 'the configuration value upstream is not set' });
  try {
    const user = `${upstream}/users/${match[1]}`;
    const [profile, posts] = await Promise.all([ask(user), ask(`${user}/posts`)]);
    if (!profile) return json(404, { error: `nobody is called ${match[1]}` });
    return json(200, combine(profile, posts ?? []));
  } catch (error) {
    log('warn', 'feed', error.message);
    return json(502, { error: error.message });
  }
});

// What a URL answers as JSON, or undefined where there is nothing.
async function ask(url) {
  let response;
  try {
    response = await fetch(url, { headers: { accept: 'application/json' } });
  } catch (error) {
    throw new Error(`${url} cannot be reached: ${error.message.trim()}`);
  }
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  try {
    return await response.json();
  } catch {
    throw new Error(`${url} answered no JSON`);
  }
}

function combine(profile, posts) {
  const newest = [...posts].sort((a, b) => b.date.localeCompare(a.date)).slice(0, MOST_POSTS);
  return {
    name: profile.name,
    posts: newest.map(({ date, title }) => ({ date, title })),
    more: posts.length - newest.length,
  };
}

function json(status, value, headers = {}) {
  return new Response(JSON.stringify(value) + '\n', {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}
