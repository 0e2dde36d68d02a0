/**
 * The Swagger settings console: the document of the API at /docs/json, and Swagger UI at /docs to use it.
 *
 * 1. @elysiajs/swagger makes the document from the routes; its own page is not used, because it loads from a CDN.
 * 2. Our page takes every file from this service (swagger-ui-dist), under a policy that allows no other host.
 */
import { swagger } from '@elysiajs/swagger';
import { Elysia } from 'elysia';
import { ServiceError } from '../../errors';
import { asset, send } from '../assets';
import { API_WORDS, ERROR_SCHEMA, SECURITY_SCHEMES, TAGS } from './model';

const PAGE = asset(new URL('./page.html', import.meta.url));
const FILES = new Map([
  ['init.js', asset(new URL('./init.js', import.meta.url))],
  ...['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'].map(
    (name) => [name, asset(import.meta.resolve(`swagger-ui-dist/${name}`))] as const,
  ),
]);

/** Swagger UI sets style attributes and draws its icons from data: URLs; everything else comes from here. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function docs(sandbox: boolean) {
  const note = sandbox
    ? '\n\n**Sandbox**: no Qiscus credentials are set, so this service talks to its own small Qiscus.'
    : '';
  const hide = { detail: { hide: true } };

  return new Elysia()
    .use(
      swagger({
        // Its page at this path is replaced by ours below.
        path: '/docs',
        specPath: '/docs/json',
        exclude: [/^\/docs/],
        documentation: {
          info: { title: 'Agent Allocation', version: '0.1.0', description: API_WORDS + note },
          tags: TAGS,
          components: { securitySchemes: SECURITY_SCHEMES, schemas: { Error: ERROR_SCHEMA } },
        },
      }),
    )
    .get('/docs', ({ request, set }) => send(PAGE, request, set, POLICY), hide)
    .get(
      '/docs/assets/:file',
      ({ params, request, set }) => {
        const file = FILES.get(params.file);
        if (file === undefined) throw new ServiceError('NOT_FOUND', 'There is no such file.');
        return send(file, request, set);
      },
      hide,
    );
}
