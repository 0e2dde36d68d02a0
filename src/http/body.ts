/**
 * The one door for request bodies. Handlers call it; Elysia's own parsers are never used, so that the token is checked
 * before a byte is read, no value is coerced, and every refusal has our shape.
 *
 * 1. JSON only (415), at most 256 KiB, declared or chunked (413), never buffering more than that and one chunk.
 * 2. Unreadable JSON is 400; too deep or with a poisoned key is 422.
 * 3. Outside /webhook, a request that another site's page sent is refused (403).
 */
import type { Static, TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { ServiceError } from '../errors';

export const MAX_BODY_BYTES = 256 * 1024;
const MAX_DEPTH = 32;
const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** A body's schema, compiled, and the sentence that tells a caller what it must look like. */
export interface Shape<T extends TSchema> {
  schema: T;
  fits: (value: unknown) => value is Static<T>;
  problem: string;
}

export function shape<T extends TSchema>(schema: T, problem: string): Shape<T> {
  const check = TypeCompiler.Compile(schema);
  return { schema, fits: (value): value is Static<T> => check.Check(value), problem };
}

/** Reads an operator's body. An absent body counts as `{}` where `optional`. @throws ServiceError 400, 403, 413, 415, 422 */
export async function readBody<T extends TSchema>(
  request: Request,
  wanted: Shape<T>,
  optional = false,
): Promise<Static<T>> {
  refuseOtherSites(request);
  const body = await readJson(request, optional);
  if (!wanted.fits(body)) throw new ServiceError('INVALID_BODY', wanted.problem);
  return body;
}

/** Reads any JSON value. @throws ServiceError INVALID_JSON, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID_BODY */
export async function readJson(request: Request, optional = false): Promise<unknown> {
  const { headers } = request;
  const type = headers.get('content-type') ?? '';
  if (type !== 'application/json' && !JSON_TYPE.test(type)) {
    throw new ServiceError('UNSUPPORTED_MEDIA_TYPE', 'Send the header Content-Type: application/json.');
  }
  const declared = headers.get('content-length');
  if (declared !== null && Number(declared) > MAX_BODY_BYTES) throw tooLarge();
  let value: unknown;
  try {
    // A declared length is enforced by the server, and Bun parses such a body fastest; a chunked one has to be counted.
    if (declared !== null && declared !== '0') value = await request.json();
    else {
      const text = await readChunks(request);
      value = optional && text === '' ? {} : JSON.parse(text);
    }
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    if (error instanceof RangeError) throw tooDeep();
    throw new ServiceError('INVALID_JSON', 'The body is not valid JSON.');
  }
  if (typeof value === 'object' && value !== null) inspect(value, 1);
  return value;
}

function refuseOtherSites(request: Request): void {
  const site = request.headers.get('sec-fetch-site');
  if (site === null || site === 'same-origin' || site === 'none') return;
  throw new ServiceError('CROSS_SITE', 'A page of another site may not do this.');
}

async function readChunks(request: Request): Promise<string> {
  if (request.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Refuses what would hurt later readers: deep nesting, and keys that reach an object's prototype. Every webhook passes
 * here, so it allocates nothing (`for in` also lists inherited keys, but no parsed JSON has any).
 */
function inspect(value: object, depth: number): void {
  if (depth > MAX_DEPTH) throw tooDeep();
  const fields = value as Record<string, unknown>;
  for (const key in fields) {
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
      throw new ServiceError('INVALID_BODY', 'The body holds a key that is not allowed.');
    }
    const item = fields[key];
    if (typeof item === 'object' && item !== null) inspect(item, depth + 1);
  }
}

const tooLarge = () => new ServiceError('BODY_TOO_LARGE', 'The body is larger than 256 KiB.');
const tooDeep = () => new ServiceError('INVALID_BODY', `The body is nested deeper than ${MAX_DEPTH} levels.`);
