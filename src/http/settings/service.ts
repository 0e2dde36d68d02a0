/**
 * The rules for the resolve webhook's URL. Pure; the URL is never fetched or resolved by us.
 *
 * 1. Refuses what could make Qiscus, or anybody, call into a private network, in any spelling.
 * 2. Hides the webhook token where a URL is shown.
 */

export interface UrlRules {
  sandbox: boolean;
  publicBaseUrl: string | null;
}

export type UrlVerdict = { ok: true } | { ok: false; problem: string };

const MOST_CHARACTERS = 2048;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** Names that mean this machine, this network, or an address written as a name. */
const PRIVATE_SUFFIXES = [
  'localhost',
  'localdomain',
  'local',
  'internal',
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'home.arpa',
  'in-addr.arpa',
  'ip6.arpa',
  'nip.io',
  'sslip.io',
  'xip.io',
  'localtest.me',
  'lvh.me',
];

/** Whether a caller's URL may be set at Qiscus. The problem never repeats the URL. */
export function checkCallbackUrl(raw: string, { sandbox, publicBaseUrl }: UrlRules): UrlVerdict {
  const no = (problem: string): UrlVerdict => ({ ok: false, problem });
  if (raw.length > MOST_CHARACTERS) return no(`url is longer than ${MOST_CHARACTERS} characters.`);
  // WHATWG's parser drops tabs and line ends, turns \ into / and maps full-width characters: refuse all of that first.
  if (!/^[\x21-\x7e]+$/.test(raw) || raw.includes('\\') || /%(0[0-9a-f]|1[0-9a-f]|7f)/i.test(raw)) {
    return no('url may hold plain ASCII characters only (write international names as xn--…).');
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(raw)?.[1];
  if (authority === undefined || !URL.canParse(raw)) return no('url must be a complete https:// address.');
  const url = new URL(raw);
  if (url.protocol !== 'https:' && !sandbox) return no('url must begin with https://.');
  if (authority.includes('@')) return no('url must not hold credentials.');
  const hostProblem = problemOfHost(url.hostname);
  if (hostProblem !== null) return no(hostProblem);
  const own = publicBaseUrl === null ? null : new URL(publicBaseUrl);
  if (own !== null && url.host !== own.host) return no("url's host must be the one of PUBLIC_BASE_URL.");
  if (own === null && url.port !== '') return no('url must use the default port.');
  return { ok: true };
}

function problemOfHost(host: string): string | null {
  const labels = host.split('.');
  // The parser has already turned every spelling of an IPv4 address into four decimal numbers, and IPv6 into [..].
  if (host.startsWith('[') || /^\d+$/.test(labels.at(-1) ?? '')) return "url's host must be a name, not an address.";
  if (host.includes('%') || !labels.every((label) => LABEL.test(label))) return "url's host is not a valid name.";
  if (labels.length < 2 || PRIVATE_SUFFIXES.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))) {
    return "url's host must be a public name.";
  }
  return null;
}

/** `url` with every configured token replaced by `***`, in plain and percent-encoded form. */
export function maskTokens(url: string, tokens: readonly string[]): string {
  let masked = url;
  for (const token of tokens) masked = masked.replaceAll(token, '***').replaceAll(encodeURIComponent(token), '***');
  return masked;
}

/** As `maskTokens`, and whatever else sits where a webhook token goes (one that was rotated away, say). */
export function maskUrl(url: string, tokens: readonly string[]): string {
  return maskTokens(url, tokens)
    .replace(/([?&]token=)[^&#]*/gi, '$1***')
    .replace(/(\/mark_as_resolved\/)[^/?#]+/i, '$1***');
}
