/**
 * The board: one page with agents, line and latest events. It knows nothing that the API does not say: its script reads
 * the API and /events. HTTP Basic, so that a browser can open it (any user name, or the app's id where the token opens
 * several; the admin token as password).
 */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { ServiceError } from '../../errors';
import { asset, send } from '../assets';
import { CHALLENGE } from '../gate';

const PAGE = asset(new URL('./page.html', import.meta.url));
const SCRIPT = asset(new URL('./board.js', import.meta.url));
const STYLE = asset(new URL('./board.css', import.meta.url));

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
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
        return send(PAGE, set, POLICY);
      },
      hide,
    )
    .get('/board.js', ({ set }) => send(SCRIPT, set), hide)
    .get('/board.css', ({ set }) => send(STYLE, set), hide);
}
