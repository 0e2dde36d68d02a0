/**
 * Files that a browser loads from us: read once, served from memory.
 *
 * 1. A browser may keep a file, and has to ask each time whether it is still the same (`ETag`, `no-cache`): a reload costs a
 *    `304` for each. Nothing of a customer or an agent is in them.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  png: 'image/png',
};

export interface Asset {
  bytes: Uint8Array<ArrayBuffer>;
  type: string;
  /** Changes with the content. */
  etag: string;
}

export const assetOf = (bytes: Asset['bytes'], type: string): Asset => ({
  bytes,
  type,
  etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
});

/** Reads one file. `location` is a file URL. @throws when there is no such file: then the install is incomplete. */
export function asset(location: string | URL): Asset {
  const path = fileURLToPath(location);
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return assetOf(new Uint8Array(readFileSync(path)), type);
}

/** Answers with a file, or 304 to who has it; `set.headers` keeps the gate's security headers. */
export function send(
  { bytes, type, etag }: Asset,
  request: Request,
  set: { headers: Record<string, unknown> },
  policy?: string,
): Response {
  Object.assign(set.headers, { 'content-type': type, 'cache-control': 'no-cache', etag });
  if (policy !== undefined) set.headers['content-security-policy'] = policy;
  const known = request.headers.get('if-none-match') ?? '';
  // A proxy that packs replies may have made it a weak one.
  const isKnown = known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  return isKnown ? new Response(null, { status: 304 }) : new Response(bytes);
}
