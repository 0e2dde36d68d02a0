/**
 * What a sandbox remembers when its process ends, however it ends: a file of JSON lines, the later line of a thing wins.
 *
 * 1. A change is in the file before anybody hears of it, so that a kill -9 forgets nothing that the service was told. (It is
 *    not synced: after a power cut the last moments may be gone, which a sandbox may forget.)
 * 2. At the start the file is read and written anew, without what is outdated; a line that was cut off is left out.
 *
 * `close` gives the file back.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Agent, Ids, Room } from './model';

export type KeptAgent = Pick<Agent, 'id' | 'name' | 'available' | 'forceOffline' | 'channelIds'>;

interface Line {
  /** The next ones to be given. */
  ids?: Ids;
  room?: Room;
  /** One that is not as it was at the start. */
  agent?: KeptAgent;
  /** An agent who was deleted. */
  gone?: string;
  registered?: { url: string; enabled: boolean };
}

export class Memory {
  /** What was found at the start. */
  readonly ids: Ids | null = null;
  readonly rooms = new Map<string, Room>();
  /** null: deleted. */
  readonly agents = new Map<string, KeptAgent | null>();
  readonly registered: Line['registered'] = undefined;
  readonly #path: string;
  #file: number | null;

  /** Reads what is there. @throws Error when the file cannot be written */
  constructor(path: string) {
    this.#path = path;
    for (const { ids, room, agent, gone, registered } of existsSync(path) ? linesOf(readFileSync(path, 'utf8')) : []) {
      if (ids) this.ids = ids;
      if (room) this.rooms.set(room.id, room);
      if (agent) this.agents.set(agent.id, agent);
      if (gone !== undefined) this.agents.set(gone, null);
      if (registered) this.registered = registered;
    }
    this.#file = this.#begin([
      { ids: this.ids ?? undefined, registered: this.registered },
      ...[...this.agents].map(([id, agent]): Line => (agent ? { agent } : { gone: id })),
      ...[...this.rooms.values()].map((room): Line => ({ room })),
    ]);
  }

  keep(line: Line): void {
    // What still hangs when the sandbox stops has come too late. One that a full disk cut off must not spoil the next.
    if (this.#file !== null) writeSync(this.#file, `\n${JSON.stringify(line)}\n`);
  }

  /** Forgets all but the ids. */
  clear(ids: Ids): void {
    this.close();
    this.#file = this.#begin([{ ids }]);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  /** A file with these lines only, in place of the one before at once. */
  #begin(lines: readonly Line[]): number {
    const next = `${this.#path}.next`;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    writeFileSync(next, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
    renameSync(next, this.#path);
    return openSync(this.#path, 'a');
  }
}

function linesOf(text: string): Line[] {
  return text.split('\n').flatMap((line): Line[] => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}
