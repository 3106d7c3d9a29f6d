/* api.ts: the calls of the page. Every failure becomes an ApiError that says what, why and what to do. */
import { send } from '#transport';
import { createStore } from './store';
import type { ErrorBody, Me } from './types';

export const BASE = '/api/v1';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody
  ) {
    super(body.what);
  }
}

/* Who this browser is. Until the first answer it may only look. */
export const me = createStore<Me | null>(null);
/* Somebody is logged in here, or was. */
export const isKnown = () => (me.get()?.access ?? 'none') !== 'none';
/* Set when an answer was 401: the frame shows the login. */
export const loginNeeded = createStore(false);

const plain = (code: string, what: string, why: string | null, todo: string): ErrorBody => ({ code, what, why, todo, field: null, actions: [], request: null });

const unreachable = () => plain('UNREACHABLE', 'Tailrace did not answer.', 'It is stopped, restarting, or the network between is down.', 'The page asks again by itself; what it shows stays as it was.');

/* Connect's own handlers answer {"error_code":…,"message":…}; everything else answers {"error":{…}}. */
async function failure(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    const body = JSON.parse(text) as { error?: ErrorBody; error_code?: number; message?: string };
    if (body.error) return new ApiError(response.status, { ...plain('', '', null, ''), ...body.error });
    if (body.message) return new ApiError(response.status, plain('CONNECT', body.message, null, response.status === 409 ? 'Wait until the change that runs has ended, then try again.' : 'Change it and try again.'));
  } catch {
    /* not JSON: say what came */
  }
  return new ApiError(response.status, plain('HTTP', `Tailrace answered ${response.status}.`, text.slice(0, 200) || response.statusText || null, 'Look at its log, then try again.'));
}

export interface Call {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/* What commands to copy begin with, so that they work as they are. */
export const bootstrap = () => '--bootstrap-server ' + (me.get()?.kafka ?? 'localhost:9092');
export const curl = (method: string, path: string) =>
  `curl -X ${method} -H 'X-Tailrace: 1' -H 'Content-Type: application/json'${me.get()?.login === 'token' ? " -H 'Authorization: Bearer TOKEN'" : ''} ${location.origin}${BASE}${path}`;

/* Until somebody logs in again: what was asked meanwhile is asked then, so that nothing typed is lost. */
const loggedIn = (signal?: AbortSignal) =>
  new Promise<void>((again, gone) => {
    const stop = loginNeeded.watch(needed => needed || (stop(), again()));
    signal?.addEventListener('abort', () => (stop(), gone(signal.reason)));
  });

/* The raw answer, also when it is an error of HTTP; throws only when none arrives. A login that has ended is waited for. */
export async function call(path: string, asked: Call = {}): Promise<Response> {
  const { method = 'GET', body, headers = {}, signal } = asked;
  const all: Record<string, string> = { ...headers };
  if (method !== 'GET') {
    all['X-Tailrace'] = '1';
    all['Content-Type'] ??= 'application/json';
  }
  let response: Response;
  try {
    response = await send(path.startsWith('/') && !path.startsWith(BASE) && !path.startsWith('//') ? BASE + path : path, {
      method,
      headers: all,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {})
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, unreachable());
  }
  if (response.status !== 401) return response;
  loginNeeded.set(true);
  if (path === '/login' || !isKnown()) return response;
  await loggedIn(signal);
  return call(path, asked);
}

/* The preloaded first answer is taken with plain settings, so that the browser finds it. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await call(path, signal ? { signal } : {});
  if (!response.ok) throw await failure(response);
  return (await response.json()) as T;
}

export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  const response = await call(path, signal ? { signal } : {});
  if (!response.ok) throw await failure(response);
  return response.text();
}

/* A change. 204 and empty answers give null. */
export async function change<T = unknown>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body: unknown = {}): Promise<T> {
  const response = await call(path, { method, body });
  if (!response.ok) throw await failure(response);
  const text = await response.text();
  return (text === '' ? null : JSON.parse(text)) as T;
}

/* An answer that arrives as server-sent events: a search, a backtest, a log that is followed. */
export async function open(path: string, { signal, method, body }: { signal: AbortSignal; method?: string; body?: unknown }): Promise<ReadableStream<Uint8Array>> {
  const response = await call(path, { signal, headers: { Accept: 'text/event-stream' }, ...(method ? { method } : {}), ...(body === undefined ? {} : { body }) });
  if (!response.ok) throw await failure(response);
  if (!response.body) throw new ApiError(0, plain('UNREACHABLE', 'Tailrace sent no answer.', null, 'Try again.'));
  return response.body;
}

export function asError(error: unknown): ErrorBody {
  if (error instanceof ApiError) return error.body;
  /* An answer that broke off on its way, as the browsers call it */
  if (error instanceof TypeError && /network|load failed|input stream/i.test(error.message)) return unreachable();
  return plain('PAGE', 'The page failed to show this.', error instanceof Error ? error.message : String(error), 'Reload the page; if it stays, report it with this text.');
}

export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const parts = Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== '' && v !== false);
  return parts.length ? '?' + parts.map(([k, v]) => `${k}=${encodeURIComponent(String(v))}`).join('&') : '';
}
export const at = (...parts: (string | number)[]) => '/' + parts.map(p => encodeURIComponent(p)).join('/');
