/** Files that a browser loads from us: read once when the app is built, served from memory. */
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
}

/** Reads one file. `location` is a file URL. @throws when there is no such file: then the install is incomplete. */
export function asset(location: string | URL): Asset {
  const path = fileURLToPath(location);
  return {
    bytes: new Uint8Array(readFileSync(path)),
    type: TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
  };
}

/** Answers with a file; `set.headers` keeps the gate's security headers. */
export function send({ bytes, type }: Asset, set: { headers: Record<string, unknown> }, policy?: string): Response {
  set.headers['content-type'] = type;
  if (policy !== undefined) set.headers['content-security-policy'] = policy;
  return new Response(bytes);
}
