/**
 * The board: one page with agents, line, decisions and hands. It knows nothing that the API does not say: its modules read
 * the API and /events. HTTP Basic, so that a browser can open it (any user name, or the app's id where the token opens
 * several; the admin token as password).
 */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { ServiceError } from '../../errors';
import { send } from '../assets';
import { CHALLENGE } from '../gate';
import { boardFile, PAGE } from './files';

/** Nothing from elsewhere, nothing inline; only lit-html may turn text into elements, and only the text of templates. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ');

export function board(apps: Apps) {
  const hide = { detail: { hide: true } };
  return new Elysia()
    .get(
      '/',
      ({ request, set }) => {
        // The page could show nothing, and a browser would keep the name: so it is asked again.
        if (apps.namedBy(request).length !== 1) {
          set.headers['www-authenticate'] = CHALLENGE;
          throw new ServiceError('UNAUTHORIZED', 'The token opens several apps: give the id of one as user name.');
        }
        return send(PAGE, request, set, POLICY);
      },
      hide,
    )
    .get(
      '/board/*',
      ({ params, request, set }) => {
        const file = boardFile(params['*']);
        if (file === undefined) throw new ServiceError('NOT_FOUND', 'There is no such file.');
        return send(file, request, set);
      },
      hide,
    );
}
