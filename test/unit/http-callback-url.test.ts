/** The rules for the resolve webhook's URL: what must never be set at Qiscus, in every spelling that parsers accept. */
import { describe, expect, test } from 'bun:test';
import { checkCallbackUrl, maskTokens, maskUrl } from '../../src/http/settings/service';
import { REFUSED } from '../security/refused-urls';

const production = { sandbox: false, publicBaseUrl: null };
const sandbox = { sandbox: true, publicBaseUrl: null };

describe('refused everywhere', () => {
  test.each(REFUSED)('[S18] %p', (url) => {
    for (const rules of [production, sandbox, { sandbox: true, publicBaseUrl: 'http://localhost:3000' }]) {
      expect(checkCallbackUrl(url, rules).ok).toBe(false);
    }
  });

  test('at least 120 spellings, none twice', () => {
    expect(new Set(REFUSED).size).toBe(REFUSED.length);
    expect(REFUSED.length).toBeGreaterThanOrEqual(120);
  });

  test('[S17 S18] the problem never repeats the URL', () => {
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

  test('[S18] http in the sandbox only', () => {
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
  ])('[S18 S41] with PUBLIC_BASE_URL, its host only: %p %p', (url, ok) => {
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

  test('[S20] configured tokens, plain and percent-encoded', () => {
    expect(maskTokens(`https://a.example/h?t=${token}`, [token])).toBe('https://a.example/h?t=***');
    expect(maskTokens(`https://a.example/h/${encodeURIComponent(token)}`, [token])).toBe('https://a.example/h/***');
    expect(maskTokens('https://a.example/h', [token])).toBe('https://a.example/h');
  });

  test('[S20] whatever stands where a token goes', () => {
    expect(maskUrl('https://a.example/h?x=1&token=old&y=2', [])).toBe('https://a.example/h?x=1&token=***&y=2');
    expect(maskUrl('https://a.example/webhook/mark_as_resolved/old?x=1', [])).toBe(
      'https://a.example/webhook/mark_as_resolved/***?x=1',
    );
    expect(maskUrl('https://a.example/webhook/mark_as_resolved', [])).toBe(
      'https://a.example/webhook/mark_as_resolved',
    );
  });
});
