/**
 * One reader of `/events`: backlog first, then live, without a gap and without a repeat.
 *
 * 1. Subscribes before it reads the backlog; what arrives meanwhile is kept and sent after it, unless already sent.
 * 2. Sends a comment every few seconds, so that neither the server nor a proxy takes the silence for death.
 * 3. A reader that is too slow is disconnected; it comes back with Last-Event-ID and misses nothing.
 * Stops when the client goes, when it is too slow, when the backlog cannot be read, or when the service stops.
 */
import { isOlder } from '../../ids';
import type { JournalFeed, JournalRecord } from '../../ledger/model';
import { recordOnWire } from './model';

const HEARTBEAT_MS = 5_000;
const PAGE = 500;
/** Records that may wait for a slow reader: about 1 MB. */
const MOST_WAITING = 2_000;

const encoder = new TextEncoder();

/** The stream's text for one record. */
const frame = (record: JournalRecord) =>
  `id: ${record.id}\nevent: ${record.event}\ndata: ${JSON.stringify(recordOnWire(record))}\n\n`;

/** Streams records after `afterId`, or only new ones when it is null. */
export function eventStream(
  feed: JournalFeed,
  afterId: string | null,
  stopping: AbortSignal | undefined,
  heartbeatMs = HEARTBEAT_MS,
): ReadableStream<Uint8Array> {
  let close = () => {};
  return new ReadableStream<Uint8Array>(
    {
      async start(controller) {
        let lastId = afterId;
        let early: JournalRecord[] | null = [];
        let open = true;

        const write = (text: string) => {
          if (!open) return;
          controller.enqueue(encoder.encode(text));
          if ((controller.desiredSize ?? 0) < -MOST_WAITING) close();
        };
        const send = (record: JournalRecord) => {
          if (lastId !== null && !isOlder(lastId, record.id)) return;
          lastId = record.id;
          write(frame(record));
        };
        const unsubscribe = feed.subscribe((record) => {
          if (early === null) return send(record);
          early.push(record);
          if (early.length > MOST_WAITING) close();
        });
        const heartbeat = setInterval(() => write(': still here\n\n'), heartbeatMs);
        close = () => {
          if (!open) return;
          open = false;
          early = null;
          clearInterval(heartbeat);
          unsubscribe();
          stopping?.removeEventListener('abort', close);
          try {
            controller.close();
          } catch {
            // The client was faster.
          }
        };
        stopping?.addEventListener('abort', close);
        if (stopping?.aborted) close();

        write(': connected\n\n');
        try {
          while (open && lastId !== null) {
            const { records, next } = await feed.page(lastId, PAGE);
            for (const record of records) send(record);
            if (next === null) break;
            lastId = next;
          }
        } catch {
          close();
        }
        for (const record of early ?? []) send(record);
        early = null;
      },
      cancel: () => close(),
    },
    { highWaterMark: 0 },
  );
}
