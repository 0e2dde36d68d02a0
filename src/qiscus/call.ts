/**
 * One HTTP call to Qiscus, as a value.
 *
 * 1. Never throws: ofetch's error carries the request's headers, and so the secret, so it ends here.
 * 2. One try, no redirect (Bun would forward the secret to the new origin), one deadline over headers *and* body.
 * 3. Reads at most `maxBytes` of the answer, whatever Qiscus sends.
 *
 * Holds nothing; there is nothing to stop.
 */
import { ofetch } from 'ofetch';

/** What came back. `text` is null when the body could not be read whole: too large, cut, or too slow. */
export interface Reply {
  kind: 'reply';
  status: number;
  retryAfterMs: number | null;
  text: string | null;
}

/** No status at all. `sent` is false only when no connection was made, so Qiscus cannot have seen the request. */
export interface Lost {
  kind: 'lost';
  sent: boolean;
  reason: string;
}

export interface CallOptions {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  query?: Record<string, string | number>;
  body?: URLSearchParams | FormData | Record<string, string | number | null>;
  maxBytes?: number;
  timeoutMs?: number;
}

export type Call = (path: string, options?: CallOptions) => Promise<Reply | Lost>;

const MAX_BYTES = 256 * 1024;
const MAX_RETRY_AFTER_MS = 300_000;

/** Makes the caller for one base URL. `timeoutMs` bounds a whole call unless the call names its own. */
export function createCall(baseUrl: string, timeoutMs: number): Call {
  const client = ofetch.create({
    baseURL: baseUrl,
    retry: 0,
    redirect: 'error',
    ignoreResponseError: true,
    headers: { accept: 'application/json' },
  });
  return async (path, { maxBytes = MAX_BYTES, timeoutMs: ownMs = timeoutMs, ...request } = {}) => {
    try {
      const signal = AbortSignal.timeout(ownMs);
      const response = await client.raw(path, { ...request, responseType: 'stream', signal });
      return {
        kind: 'reply',
        status: response.status,
        retryAfterMs: readRetryAfter(response.headers.get('retry-after'), Date.now()),
        text: await readText(response._data, maxBytes),
      };
    } catch (error) {
      return describeLoss(error);
    }
  };
}

/**
 * Milliseconds to wait, from seconds or an HTTP date, at most 5 minutes; null when absent or unreadable.
 * A date in the past is 0.
 */
export function readRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null || value.trim() === '') return null;
  const waitMs = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

/** The whole body as text, or null: a status without its body is still worth something to the caller. */
async function readText(body: ReadableStream<Uint8Array> | undefined, maxBytes: number): Promise<string | null> {
  if (!body) return '';
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.byteLength;
      if (bytes > maxBytes) {
        reader.cancel().catch(() => {});
        return null;
      }
      chunks.push(part.value);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch {
    return null;
  }
}

/** Error codes with which no byte of the request can have reached Qiscus. */
const NEVER_SENT: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ConnectionRefused: 'connection refused',
  FailedToOpenSocket: 'connection refused',
  EHOSTUNREACH: 'host not reachable',
  ENETUNREACH: 'host not reachable',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name not found',
  EPROTO: 'TLS handshake failed',
  CERT_HAS_EXPIRED: 'TLS certificate refused',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS certificate refused',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS certificate refused',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS certificate refused',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS certificate refused',
};

/** Own words only: an error's message may hold the address with its query. */
function describeLoss(error: unknown): Lost {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const name = cause instanceof Error ? cause.name : '';
  const refused = NEVER_SENT[code];
  if (refused !== undefined) return { kind: 'lost', sent: false, reason: refused };
  if (name === 'TimeoutError' || name === 'AbortError') return { kind: 'lost', sent: true, reason: 'timed out' };
  if (code === 'UnexpectedRedirect') return { kind: 'lost', sent: true, reason: 'redirected' };
  return { kind: 'lost', sent: true, reason: 'connection lost' };
}
