/**
 * Processes that die and are started again at once, as under a supervisor: the test is that supervisor.
 *
 * 1. Each seat has one process at a time; whoever dies, by our hand or by its own, is followed by the next.
 * 2. Counts the kills, and the ends that were not ours by exit code.
 * 3. `stop` kills them all and starts nobody any more.
 * 4. `startKiller` picks the victims, Redis every few seconds among them.
 */
import { freePort, launchService, type ServiceProcess } from '../support/service';
import { until } from '../support/wait';
import type { Chance } from './chance';

/** One that has nobody beside it needs this long to do anything at all after a start. */
const ALONE_MS = 500;
const REDIS_KILL_EVERY_MS = 2_000;

export type Role = 'all' | 'api' | 'worker';

export class Seat {
  readonly role: Role;
  readonly url: string;
  /** Of the ends that were not ours: how often by exit code. */
  readonly ownEnds: Record<number, number> = {};
  /** What the last process printed that ended by itself. */
  lastWords = '';
  kills = 0;
  starts = 0;
  #service: ServiceProcess | null = null;
  #stopped = false;
  #killed = false;
  readonly #running: Promise<void>;

  private constructor(env: Record<string, string>, role: Role, port: string) {
    this.role = role;
    this.url = `http://127.0.0.1:${port}`;
    this.#running = this.#run(env, port);
  }

  static async open(env: Record<string, string>, role: Role): Promise<Seat> {
    return new Seat(env, role, String(await freePort()));
  }

  /** Does its process say that it runs? */
  get isUp(): boolean {
    return this.#service?.runs() === true && !this.#service.hasEnded();
  }

  async #run(env: Record<string, string>, port: string): Promise<void> {
    while (!this.#stopped) {
      this.#killed = false;
      this.starts += 1;
      this.#service = launchService(env, this.role, port);
      const code = await this.#service.exited;
      if (this.#killed || this.#stopped) continue;
      this.ownEnds[code] = (this.ownEnds[code] ?? 0) + 1;
      this.lastWords = this.#service.output();
    }
  }

  /** SIGKILL; a process that has ended already is not counted. */
  kill(): void {
    if (!this.#service || this.#service.hasEnded()) return;
    this.#killed = true;
    this.kills += 1;
    void this.#service.kill('SIGKILL');
  }

  /** @throws Error with the last words of a process that is wrongly configured */
  async up(): Promise<void> {
    const isUp = () => this.isUp || (this.ownEnds[2] !== undefined && Promise.reject(new Error(this.lastWords)));
    await until(isUp, { what: `the ${this.role} up`, withinMs: 60_000 });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#service?.kill('SIGKILL');
    await this.#running;
  }
}

/**
 * Kills until the returned function is called, which tells how often Redis was hit.
 * @param killRedis ends the running redis-server and sees to it that the next one starts; false: none ran
 */
export function startKiller(
  seats: Seat[],
  everyMs: number,
  killRedis: () => Promise<boolean>,
  dice: Chance,
): () => Promise<number> {
  let ended = false;
  const processes = async () => {
    while (!ended) {
      await Bun.sleep(seats.length > 1 ? everyMs : Math.max(ALONE_MS, everyMs));
      // On a slow machine a start takes long: with more than half of them down at once nothing would ever be done.
      const atWork = seats.filter((seat) => seat.isUp);
      if (atWork.length * 2 < seats.length) continue;
      // Now and then one that may just be starting.
      dice.pick(dice.next() < 0.9 ? atWork : seats).kill();
    }
  };
  const redis = async () => {
    for (let kills = 0; ; ) {
      await Bun.sleep(dice.between(REDIS_KILL_EVERY_MS / 2, (REDIS_KILL_EVERY_MS * 3) / 2));
      if (ended) return kills;
      if (await killRedis()) kills += 1;
    }
  };
  const killing = Promise.all([processes(), redis()]);
  return async () => {
    ended = true;
    return (await killing)[1];
  };
}
