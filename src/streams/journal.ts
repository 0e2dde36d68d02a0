/**
 * The one reader of an app's journal in this process.
 *
 * 1. Reads every new record when the doorbell rings, on the connection of all commands, and hands it to the subscribers in
 *    order. One reading is under way at a time; rings during it make one more.
 * 2. Serves pages of older records.
 * 3. Leaves out the parts of snapshots, which only a replay needs, and what a newer version wrote.
 * 4. After trouble with Redis it goes on where it was, at the next ring or look. `stop` ends it after the reading under way.
 */

import type { Logger } from 'pino';
import { isOlder } from '../ids';
import { isSnapshotPart, type JournalFeed, type JournalRecord } from '../ledger/model';
import { journalRecord } from '../ledger/readings';
import type { RedisClient } from '../redis/client';
import { storeError } from '../redis/errors';
import { isNewer } from '../redis/format';
import type { Doorbell, Listener } from './doorbell';

const RECORDS_AT_ONCE = 1_000;

type RawEntry = [id: string, fields: string[]];

function decode([id, flat]: RawEntry): JournalRecord {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] as string] = flat[i + 1] as string;
  return journalRecord(id, fields);
}

const isForReaders = (record: JournalRecord) => !isSnapshotPart(record) && !isNewer(record.fields);

export class JournalReader implements JournalFeed, Listener {
  readonly #command: RedisClient;
  readonly #bell: Pick<Doorbell, 'on'>;
  readonly #key: string;
  readonly #log: Logger;
  readonly #listeners = new Set<(record: JournalRecord) => void>();
  /** The newest record that it read. */
  #last = '0-0';
  #news = false;
  #stopped = false;
  #running: Promise<void> | null = null;
  #unlisten = () => {};

  constructor(command: RedisClient, bell: Pick<Doorbell, 'on'>, key: string, log: Logger) {
    this.#command = command;
    this.#bell = bell;
    this.#key = key;
    this.#log = log;
  }

  /** Begins after the newest record; resolves once that is known, so that nothing written from then on is missed. */
  async start(): Promise<void> {
    this.#last = await this.#newest();
    this.#unlisten = this.#bell.on(this.#key, this);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
    await this.#running;
  }

  /** Reads what is new. @param upTo a record that is in the journal: nothing is to be done when it was read */
  rung(upTo?: string): void {
    if (upTo !== undefined && !isOlder(this.#last, upTo)) return;
    this.#news = true;
    if (!this.#stopped && !this.#running) this.#running = this.#read();
  }

  /** A Redis that came back empty counts from anew: ids that we have seen would hide all that follows. */
  async look(): Promise<void> {
    const newest = await this.#newest();
    if (isOlder(newest, this.#last)) this.#last = newest;
    this.rung(newest);
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
    const records = found.map(decode).filter(isForReaders);
    return { records, next: found.length === limit ? (found.at(-1)?.[0] ?? null) : null };
  }

  /** @throws ServiceError STORE_UNAVAILABLE while Redis is out of reach. */
  async pageBack(
    beforeId: string,
    sinceMs: number,
    limit: number,
  ): Promise<{ records: JournalRecord[]; next: string | null }> {
    const found = await this.#command
      .xrevrange(this.#key, `(${beforeId}`, `${sinceMs}`, 'COUNT', limit)
      .catch((error) => {
        throw storeError(error);
      });
    const records = found.map(decode).filter(isForReaders);
    return { records, next: found.length === limit ? (found.at(-1)?.[0] ?? null) : null };
  }

  async #newest(): Promise<string> {
    const [newest] = await this.#command.xrevrange(this.#key, '+', '-', 'COUNT', 1);
    return newest?.[0] ?? '0-0';
  }

  async #read(): Promise<void> {
    while (this.#news && !this.#stopped) {
      this.#news = false;
      try {
        const answer = await this.#command.xread('COUNT', RECORDS_AT_ONCE, 'STREAMS', this.#key, this.#last);
        const records = answer?.[0]?.[1] ?? [];
        for (const raw of records) {
          this.#last = raw[0];
          const record = decode(raw);
          if (isForReaders(record)) this.#tell(record);
        }
        if (records.length === RECORDS_AT_ONCE) this.#news = true;
      } catch (error) {
        this.#log.debug({ event: 'journal.unread', reason: String(error) }, 'the journal could not be read');
      }
    }
    this.#running = null;
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
