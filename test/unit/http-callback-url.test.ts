/** The rules for the resolve webhook's URL: what must never be set at Qiscus, in every spelling that parsers accept. */
import { describe, expect, test } from 'bun:test';
import { checkCallbackUrl, maskTokens, maskUrl } from '../../src/http/settings/service';

const production = { sandbox: false, publicBaseUrl: null };
const sandbox = { sandbox: true, publicBaseUrl: null };

const REFUSED = [
  // not https, not a URL
  '',
  'x',
  'https:',
  'https://',
  'https:///path',
  '//example.com',
  'example.com',
  'ftp://example.com',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/html,x',
  'gopher://example.com',
  'https:example.com',
  'https:/example.com',
  // loopback by name
  'https://localhost',
  'https://localhost/hook',
  'https://LOCALHOST',
  'https://localhost.',
  'https://a.localhost',
  'https://a.b.localhost.',
  'https://localhost.localdomain',
  'https://%6c%6f%63%61%6c%68%6f%73%74/',
  // IPv4 in every spelling
  'https://127.0.0.1',
  'https://127.0.0.1.',
  'https://127.1',
  'https://127.0.1',
  'https://2130706433',
  'https://0x7f000001',
  'https://0x7f.0.0.1',
  'https://0177.0.0.1',
  'https://017700000001',
  'https://0',
  'https://0.0.0.0',
  'https://10.0.0.1',
  'https://172.16.0.1',
  'https://192.168.1.1',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.0.1',
  'https://8.8.8.8',
  'https://0x08.0x08.0x08.0x08',
  'https://1.2.3.4.5',
  'https://256.256.256.256',
  'https://%31%32%37.0.0.1',
  // IPv6, mapped and scoped
  'https://[::1]',
  'https://[::]',
  'https://[::ffff:127.0.0.1]',
  'https://[::ffff:7f00:1]',
  'https://[0:0:0:0:0:0:0:1]',
  'https://[fe80::1]',
  'https://[fe80::1%25eth0]',
  'https://[fd00::1]',
  'https://[2001:4860:4860::8888]',
  'https://[::127.0.0.1]',
  // private names
  'https://intranet',
  'https://redis',
  'https://printer.local',
  'https://metadata.google.internal',
  'https://a.lan',
  'https://host.home.arpa',
  'https://db.corp',
  'https://127.0.0.1.nip.io',
  'https://10-0-0-1.sslip.io',
  'https://lvh.me',
  'https://1.0.0.127.in-addr.arpa',
  // credentials
  'https://user@example.com',
  'https://user:pass@example.com',
  'https://example.com@127.0.0.1',
  'https://@example.com',
  'https://example.com:443@evil.example',
  'https://127.0.0.1#@example.com',
  'https://127.0.0.1?@example.com',
  // ports
  'https://example.com:22',
  'https://example.com:6379',
  'https://example.com:8443',
  'https://example.com:0',
  'https://example.com:99999',
  'https://example.com:x',
  // what parsers silently drop or turn into something else
  'https://example.com\r\nX: 1',
  'https://exa\tmple.com',
  ' https://example.com',
  'https://example.com ',
  'https://exam\nple.com',
  'https://example.com/\u0000',
  'https://example.com/%0d%0aX:1',
  'https://example.com/%00',
  'https:\\\\example.com',
  'https://example.com\\hook',
  'https://example.com\\@127.0.0.1',
  'https://127。0。0。1',
  'https://１２７.0.0.1',
  'https://ⓛocalhost',
  'https://lоcalhost',
  'https://münchen.example',
  'https://example.com/ü',
  'https://ex%00ample.com',
  'https://example.com%2f@evil.example',
  'https://-a.example',
  'https://a..example',
  'https://example..',
  'https://exa$mple.com',
  `https://example.com/${'x'.repeat(2048)}`,
]; // prettier-ignore

describe('refused everywhere', () => {
  test.each(REFUSED)('%p', (url) => {
    for (const rules of [production, sandbox, { sandbox: true, publicBaseUrl: 'http://localhost:3000' }]) {
      expect(checkCallbackUrl(url, rules).ok).toBe(false);
    }
  });

  test('at least sixty spellings, none twice', () => {
    expect(new Set(REFUSED).size).toBe(REFUSED.length);
    expect(REFUSED.length).toBeGreaterThanOrEqual(60);
  });

  test('the problem never repeats the URL', () => {
    const verdict = checkCallbackUrl('https://secret-marker@localhost', production);
    expect(JSON.stringify(verdict)).not.toContain('secret-marker');
  });
});

describe('allowed', () => {
  test.each([
    'https://yourdomain.com/api/v1/webhook/mark_as_resolved',
    'https://yourdomain.com:443/hook',
    'HTTPS://YourDomain.Com/hook?token=abc',
    'https://sub.example.co.id/hook#part',
    'https://xn--mnchen-3ya.example/hook',
    'https://my_app.example.com/hook',
    'https://example.com/a@b',
    `https://example.com/${'x'.repeat(2048 - 'https://example.com/'.length)}`,
  ])('%p', (url) => {
    expect(checkCallbackUrl(url, production)).toEqual({ ok: true });
  });

  test('http in the sandbox only', () => {
    expect(checkCallbackUrl('http://example.com/hook', sandbox).ok).toBe(true);
    expect(checkCallbackUrl('http://example.com/hook', production).ok).toBe(false);
    expect(checkCallbackUrl('http://127.0.0.1:3000/hook', sandbox).ok).toBe(false);
    expect(checkCallbackUrl('http://example.com:22/hook', sandbox).ok).toBe(false);
  });

  test.each([
    ['https://hooks.example.com/x', true],
    ['https://HOOKS.example.com/x', true],
    ['https://hooks.example.com:443/x', true],
    ['https://example.com/x', false],
    ['https://hooks.example.com.evil.example/x', false],
    ['https://evil-hooks.example.com/x', false],
    ['https://hooks.example.com:8443/x', false],
  ])('with PUBLIC_BASE_URL, its host only: %p %p', (url, ok) => {
    expect(checkCallbackUrl(url, { sandbox: false, publicBaseUrl: 'https://hooks.example.com' }).ok).toBe(ok);
  });

  test("PUBLIC_BASE_URL's own port is allowed", () => {
    const rules = { sandbox: false, publicBaseUrl: 'https://hooks.example.com:8443' };
    expect(checkCallbackUrl('https://hooks.example.com:8443/x', rules).ok).toBe(true);
    expect(checkCallbackUrl('https://hooks.example.com/x', rules).ok).toBe(false);
  });
});

describe('masking', () => {
  const token = 'secret/token+with=signs12345';

  test('configured tokens, plain and percent-encoded', () => {
    expect(maskTokens(`https://a.example/h?t=${token}`, [token])).toBe('https://a.example/h?t=***');
    expect(maskTokens(`https://a.example/h/${encodeURIComponent(token)}`, [token])).toBe('https://a.example/h/***');
    expect(maskTokens('https://a.example/h', [token])).toBe('https://a.example/h');
  });

  test('whatever stands where a token goes', () => {
    expect(maskUrl('https://a.example/h?x=1&token=old&y=2', [])).toBe('https://a.example/h?x=1&token=***&y=2');
    expect(maskUrl('https://a.example/webhook/mark_as_resolved/old?x=1', [])).toBe(
      'https://a.example/webhook/mark_as_resolved/***?x=1',
    );
    expect(maskUrl('https://a.example/webhook/mark_as_resolved', [])).toBe(
      'https://a.example/webhook/mark_as_resolved',
    );
  });
});
