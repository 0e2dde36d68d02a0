/** Does Qiscus call us when a room is resolved? Pure. */

/**
 * @param registered what Qiscus has
 * @param ours where we expect the webhook; null when nobody said. The token in it may differ (rotation), the place may not.
 */
export function findWebhook(
  registered: { url: string | null; enabled: boolean },
  ours: string | null,
): 'ok' | 'unset' | 'disabled' | 'elsewhere' {
  if (!registered.url) return 'unset';
  const place = placeOf(registered.url);
  const expected = ours === null ? null : placeOf(ours);
  if (place === null || (expected !== null && place !== expected)) return 'elsewhere';
  if (expected === null && !place.endsWith(WEBHOOK_PATH)) return 'elsewhere';
  return registered.enabled ? 'ok' : 'disabled';
}

const WEBHOOK_PATH = '/webhook/mark_as_resolved';

/** Host and path without a token behind the webhook's name; null when it is no URL. */
function placeOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { host, pathname } = new URL(text);
  const end = pathname.indexOf(WEBHOOK_PATH);
  return end === -1 ? `${host}${pathname}` : `${host}${pathname.slice(0, end + WEBHOOK_PATH.length)}`;
}
