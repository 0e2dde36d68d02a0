/**
 * The one reader of the journal in this process.
 *
 * 1. Reads every new record with a blocking XREAD on a connection of its own and hands it to the subscribers in order.
 * 2. Serves pages of older records.
 * 3. Leaves out the parts of snapshots, which only a replay needs.
 * 4. After trouble with Redis it goes on where it was; `stop` ends it at once.
 */

import type { Logger } from 'pino';
import { isOlder } from '../ids';
import { journalRecord } from '../ledger/desk';
import { isSnapshotPart, type JournalFeed, type JournalRecord } from '../ledger/model';
import { BLOCK_MS, close, type RedisClient, whenReady } from '../redis/client';
import { storeError } from '../redis/errors';

const RECORDS_AT_ONCE = 1_000;
const PAUSE_AFTER_ERROR_MS = 500;

type RawEntry = [id: string, fields: string[]];

function decode([id, flat]: RawEntry): JournalRecord {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] as string] = flat[i + 1] as string;
  return journalRecord(id, fields);
}

export class JournalReader implements JournalFeed {
  readonly #blocking: RedisClient;
  readonly #command: RedisClient;
  readonly #key: string;
  readonly #log: Logger;
  readonly #listeners = new Set<(record: JournalRecord) => void>();
  #last = '$';
  readonly #halt = Promise.withResolvers<void>();
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /** @param blocking a connection that nothing else uses */
  constructor(blocking: RedisClient, command: RedisClient, key: string, log: Logger) {
    this.#blocking = blocking;
    this.#command = command;
    this.#key = key;
    this.#log = log;
  }

  /** Begins after the newest record; resolves once that is known, so that nothing written from then on is missed. */
  async start(): Promise<void> {
    this.#last = await this.#newest();
    this.#running = this.#read();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#halt.resolve();
    close(this.#blocking);
    await this.#running;
  }

  subscribe(listener: (record: JournalRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws ServiceError STORE_UNAVAILABLE while Redis is out of reach. */
  async page(afterId: string | null, limit: number): Promise<{ records: JournalRecord[]; next: string | null }> {
    const from = afterId ? `(${afterId}` : '-';
    const found = await this.#command.xrange(this.#key, from, '+', 'COUNT', limit).catch((error) => {
      throw storeError(error);
    });
    const records = found.map(decode).filter((record) => !isSnapshotPart(record));
    return { records, next: found.length === limit ? (found.at(-1)?.[0] ?? null) : null };
  }

  async #newest(): Promise<string> {
    const [newest] = await this.#command.xrevrange(this.#key, '+', '-', 'COUNT', 1);
    return newest?.[0] ?? '0-0';
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      try {
        const answer = await this.#blocking.xread(
          'COUNT',
          RECORDS_AT_ONCE,
          'BLOCK',
          BLOCK_MS,
          'STREAMS',
          this.#key,
          this.#last,
        );
        for (const raw of answer?.[0]?.[1] ?? []) {
          this.#last = raw[0];
          const record = decode(raw);
          if (!isSnapshotPart(record)) this.#tell(record);
        }
      } catch (error) {
        if (this.#stopped) return;
        this.#log.debug({ event: 'journal.unread', reason: String(error) }, 'the journal could not be read');
        await Promise.race([this.#pause(), this.#halt.promise]);
        await this.#resume();
      }
    }
  }

  /** Until the connection is back; where it never went, the same error would come again at once. */
  #pause(): Promise<void> {
    const { status } = this.#blocking;
    return status === 'ready' ? Bun.sleep(PAUSE_AFTER_ERROR_MS) : whenReady(this.#blocking, PAUSE_AFTER_ERROR_MS);
  }

  /** A Redis that came back empty counts from anew: ids that we have seen would hide all that follows. */
  async #resume(): Promise<void> {
    try {
      const newest = await this.#newest();
      if (isOlder(newest, this.#last)) this.#last = newest;
    } catch {
      // Redis is still away: the read fails too, and this is tried again.
    }
  }

  #tell(record: JournalRecord): void {
    for (const listener of this.#listeners) {
      try {
        listener(record);
      } catch (error) {
        this.#log.error({ event: 'journal.listener_failed', err: error }, 'a reader of the journal failed');
      }
    }
  }
}
