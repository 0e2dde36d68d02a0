/**
 * Reads a list of rooms, page by page.
 *
 * 1. The cursor is the last row's time in whole seconds, and rows tie: each page asks from one second later, so that no
 *    room falls between two pages; what comes twice counts once.
 * 2. All or nothing: one failing page fails the reading.
 * 3. Ends at the age asked for, at the end of the list, or at the bound.
 */
import { classifyFailure, decodeRooms, isSuccess } from './answers';
import type { Lost, Reply } from './call';
import type { ListedRoom, RoomsReading } from './model';

type Cursor = string | number | null;

const MAX_PAGES = 1_000;

/** Reads pages through `getPage` until a room is older than `sinceMs`. */
export async function readRooms(
  sinceMs: number,
  getPage: (cursor: Cursor) => Promise<Reply | Lost>,
): Promise<RoomsReading> {
  const rooms = new Map<string, ListedRoom>();
  let cursor: Cursor = null;
  for (let calls = 1; calls <= MAX_PAGES; calls++) {
    const reply = await getPage(cursor);
    if (reply.kind === 'lost') return { kind: 'failed', reason: reply.reason };
    const answer = isSuccess(reply.status) ? decodeRooms(reply.text) : null;
    if (!answer) return classifyFailure(reply);
    const known = rooms.size;
    let oldEnough = false;
    for (const row of answer.data.customer_rooms) {
      const lastCommentMs = timeOf(row.last_comment_timestamp);
      if (lastCommentMs !== null && lastCommentMs < sinceMs) oldEnough = true;
      rooms.set(String(row.room_id), {
        roomId: String(row.room_id),
        channelId:
          typeof row.channel_id === 'number' || typeof row.channel_id === 'string' ? String(row.channel_id) : null,
        source: typeof row.source === 'string' ? row.source : null,
        customerName: typeof row.name === 'string' ? row.name : null,
        resolved: row.is_resolved === true,
        lastCommentMs,
      });
    }
    const given: Cursor = answer.meta?.cursor_after ?? null;
    if (answer.data.customer_rooms.length === 0 || given === null || given === '' || oldEnough) {
      return { kind: 'rooms', rooms: [...rooms.values()], calls };
    }
    const next: Cursor = rooms.size > known ? aSecondLater(given) : given;
    // A page without a new room, asked for without overlap: Qiscus ignores the cursor, or the list is through.
    if (rooms.size === known && cursor === given) return { kind: 'rooms', rooms: [...rooms.values()], calls };
    cursor = next;
  }
  return { kind: 'failed', reason: `more than ${MAX_PAGES} pages` };
}

function timeOf(value: unknown): number | null {
  if (typeof value === 'number') return value < 1e12 ? value * 1_000 : value;
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** The same form of cursor, a second later; an unreadable one as it is. */
function aSecondLater(cursor: string | number): string | number {
  if (typeof cursor === 'number') return cursor < 1e12 ? cursor + 1 : cursor + 1_000;
  const ms = Date.parse(cursor);
  return Number.isNaN(ms) ? cursor : new Date(ms + 1_000).toISOString().replace('.000Z', 'Z');
}
