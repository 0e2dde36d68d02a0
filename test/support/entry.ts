/** An entry of the inbox as fields and values, for who writes one past the inbox. */
import type { Webhook } from '../../src/ledger/model';
import { FORMAT } from '../../src/redis/format';
import { valuesOf } from '../../src/streams/inbox';

const FIELDS = ['kind', 'room', 'request', 'service', 'channel', 'source', 'name', 'agent'] as const;

/** Empty fields are left out. */
export function entryOf(webhook: Webhook, request: string): string[] {
  const known = valuesOf(webhook, request).flatMap((value, i) => (value === '' ? [] : [FIELDS[i] ?? '', value]));
  return ['v', String(FORMAT), ...known];
}
