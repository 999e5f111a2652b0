// A stand-in for `airshed serve`, for developing and testing the dashboard: the API of a made-up company, and `dist/`.
//
//   node mock/server.mjs [--port 4180] [--slow MS]      signs in with token `mock-token`, or ana / correct-horse

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ANSWERS, lineageAnswer, Refused } from './answers.mjs';
import { run, SCHEMA } from './sql.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const CSP = "default-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const option = (name, held) => { const at = process.argv.indexOf(name); return at < 0 ? held : process.argv[at + 1]; };
const port = Number(option('--port', process.env.PORT ?? 4180));
const slow = Number(option('--slow', 0));

const state = { revision: 'rev-1', user: { name: 'ana', role: 'analyst', scope: null } };
const listeners = new Set();
const SESSION = 'airshed_session=mock';

function send(response, status, body, headers = {}) {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-security-policy': CSP, 'x-content-type-options': 'nosniff', 'content-type': 'application/json', ...headers });
  response.end(text);
}

function refuse(response, status, title, detail) {
  send(response, status, { type: 'about:blank', title, status, detail }, { 'content-type': 'application/problem+json' });
}

function csv({ rows, columns }) {
  const names = columns?.map(({ name }) => name) ?? Object.keys(rows[0] ?? {});
  const cell = (value) => (value == null ? '' : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const lines = rows.map((row) => (Array.isArray(row) ? row : names.map((name) => row[name])).map(cell).join(','));
  return `${[names.join(','), ...lines].join('\n')}\n`;
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

async function session(request, response) {
  if (request.method === 'DELETE') return send(response, 204, undefined, { 'set-cookie': 'airshed_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict' });
  if (request.method === 'GET') {
    if (!request.headers.cookie?.includes(SESSION)) return refuse(response, 401, 'Not signed in', 'Sign in with a token or with name and password.');
    return send(response, 200, state.user);
  }
  const { token, user, password } = await bodyOf(request);
  if (token !== 'mock-token' && !(user === 'ana' && password === 'correct-horse')) {
    return refuse(response, 401, 'Refused', token === undefined ? 'Name or password is wrong.' : 'The token is not known or has expired.');
  }
  return send(response, 204, undefined, { 'set-cookie': `${SESSION}; Path=/; HttpOnly; SameSite=Strict` });
}

function events(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(`event: revision\ndata: ${state.revision}\n\n`);
  listeners.add(response);
  response.on('close', () => listeners.delete(response));
}

async function api(request, response, url) {
  const endpoint = url.pathname.slice('/v1/'.length);
  if (endpoint === 'session') return session(request, response);
  const bearer = request.headers.authorization === 'Bearer mock-token';
  if (!bearer && !request.headers.cookie?.includes(SESSION)) return refuse(response, 401, 'Not signed in', 'Sign in with a token or with name and password.');
  if (endpoint === 'events') return events(response);
  const wantsCsv = request.headers.accept?.includes('text/csv');
  const answer = (body) => (wantsCsv ? send(response, 200, csv(body), { 'content-type': 'text/csv' }) : send(response, 200, body, { etag }));
  const etag = `"${state.revision}-${Buffer.from(url.search).toString('base64url')}"`;
  if (endpoint === 'sql') {
    const { sql, max_rows: most = 1000 } = await bodyOf(request);
    return answer(run(sql, most));
  }
  if (request.headers['if-none-match'] === etag && !wantsCsv) return send(response, 304, undefined, { etag });
  if (endpoint === 'schema') return answer(SCHEMA);
  if (endpoint.startsWith('lineage/')) return answer(lineageAnswer(decodeURIComponent(endpoint.slice(8)), url.searchParams));
  const known = ANSWERS[endpoint];
  if (!known) return refuse(response, 404, 'No such resource', `There is no \`${url.pathname}\`.`);
  return answer(known(url.searchParams, state));
}

async function file(response, path) {
  const name = extname(path) ? normalize(path) : '/index.html';
  try {
    const bytes = await readFile(join(DIST, name));
    response.writeHead(200, { 'content-security-policy': CSP, 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'cache-control': name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache' });
    response.end(bytes);
  } catch {
    refuse(response, 404, 'No such file', `\`${name}\` is not there; \`npm run build\` makes dist/.`);
  }
}

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://mock');
  try {
    if (url.pathname === '/mock/revision') {
      state.revision = `rev-${Number(state.revision.slice(4)) + 1}`;
      for (const listener of listeners) listener.write(`event: revision\ndata: ${state.revision}\n\n`);
      return send(response, 204);
    }
    if (!url.pathname.startsWith('/v1/')) return await file(response, url.pathname);
    if (slow > 0) await new Promise((done) => setTimeout(done, slow));
    await api(request, response, url);
  } catch (error) {
    if (error instanceof Refused) return refuse(response, error.status, error.title, error.message);
    console.error(error);
    refuse(response, 500, 'The mock server failed', String(error));
  }
}).listen(port, '127.0.0.1', () => console.log(`mock of airshed serve: http://127.0.0.1:${port} (token: mock-token)`));
