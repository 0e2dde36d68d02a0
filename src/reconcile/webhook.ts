/** Does Qiscus call us? Compares the webhooks that it has with those that we expect. Pure. */
import type { RegisteredWebhook } from '../qiscus/model';

export type WebhookName = 'mark_as_resolved' | 'agent_allocation';
export type WebhookFinding = 'ok' | 'unset' | 'disabled' | 'elsewhere';

/**
 * @param registered what Qiscus has
 * @param ours where we expect the webhook; null when nobody said. The token in it may differ (rotation), the place may not.
 */
export function findWebhook(
  registered: RegisteredWebhook,
  ours: string | null,
  name: WebhookName = 'mark_as_resolved',
): WebhookFinding {
  if (!registered.url) return 'unset';
  const path = `/webhook/${name}`;
  const place = placeOf(registered.url, path);
  const expected = ours === null ? null : placeOf(ours, path);
  if (place === null || (expected !== null && place !== expected)) return 'elsewhere';
  if (expected === null && !place.endsWith(path)) return 'elsewhere';
  return registered.enabled ? 'ok' : 'disabled';
}

/** Host and path without a token behind the webhook's name; null when it is no URL. */
function placeOf(text: string, path: string): string | null {
  if (!URL.canParse(text)) return null;
  const { host, pathname } = new URL(text);
  const end = pathname.indexOf(path);
  return end === -1 ? `${host}${pathname}` : `${host}${pathname.slice(0, end + path.length)}`;
}
