/** Marks: texts that stand in every secret and every field about a person, so that each place they reach can be found. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP_ID } from '../support/service';

/** In everything that may stand nowhere. */
export const MARK = 'zq9mark';
/** In customers' names, which may stand with an open room, for the board. */
export const NAME_MARK = 'Zq9Name';
/** A phone number, as digits. */
export const PHONE = '62899887766554';

/** What we need of a payload; everything else gets a mark. */
const KEPT = new Set(['room_id', 'source', 'id', 'type', 'type_as_string', 'webhook_type', 'app_id', 'app_code']);
let marked = 0;

function mark(value: unknown, key = '', depth = 0): unknown {
  if (typeof value === 'string') {
    if (key === 'app_id' || key === 'app_code') return APP_ID;
    if (KEPT.has(key)) return value;
    marked += 1;
    if (key === 'name' && depth === 1) return `${NAME_MARK} ${marked}`;
    return `${MARK}-${key}-${marked}@example.com`;
  }
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.entries(value).map(([name, item]) => [name, mark(item, name, depth + 1)]);
  return Array.isArray(value) ? copy.map(([, item]) => item) : Object.fromEntries(copy);
}

/** A person's data and an agent's secrets, at every place where Qiscus or a stranger may put them. */
const MORE = () => ({
  email: `${MARK}-email@example.com`,
  phone_number: PHONE,
  phone: Number(PHONE),
  avatar_url: `https://example.com/${MARK}-avatar.png`,
  message: `${MARK} my card number is 4111`,
  customer_id: `${MARK}-customer`,
  user_properties: [{ key: 'phone', value: PHONE }],
  extras: JSON.stringify({ notes: `${MARK}-notes`, additional_extras: { email: `${MARK}@example.com` } }),
});

/** Every webhook among the fixtures, marked, with a room of its own. */
export function markedPayloads(): { name: string; body: Record<string, unknown>; roomId: string }[] {
  const folder = join(import.meta.dir, '../fixtures');
  const files = readdirSync(folder).filter((file) => file.startsWith('webhook-'));
  return files.map((file, index) => {
    const roomId = `marked-${index}`;
    const body = mark(JSON.parse(readFileSync(join(folder, file), 'utf8'))) as Record<string, unknown>;
    if ('room_id' in body) body.room_id = roomId;
    if (typeof body.service === 'object' && body.service !== null) Object.assign(body.service, { room_id: roomId });
    return {
      name: file,
      roomId,
      body: { ...body, ...MORE(), ...(typeof body.extras === 'object' && { extras: body.extras }) },
    };
  });
}

/** The marks as they look in base64, at each of the three alignments. */
const ENCODED = ['', 'x', 'xx'].map((before) =>
  Buffer.from(before + MARK)
    .toString('base64')
    .slice(before.length === 0 ? 0 : 4, before.length === 0 ? 8 : 10)
    .replace(/=+$/, ''),
);

/** The marks that stand in a text, each with what surrounds it. `alsoNames`: customers' names count too. */
export function marksIn(text: string, alsoNames = true): string[] {
  const wanted = new RegExp([MARK, PHONE, ...(alsoNames ? [NAME_MARK] : []), ...ENCODED].join('|'), 'g');
  return [...text.matchAll(wanted)].slice(0, 5).map(({ index }) => text.slice(Math.max(0, index - 60), index + 60));
}
