/**
 * Somebody else who assigns the sandbox's rooms, as a service that is in use before ours would: what a dry run is compared
 * with. It knows nothing of us, and assigns by hand, as it were.
 *
 * Holds no timer; there is nothing to stop.
 */
import type { Agent, Room } from './model';
import type { Truth } from './truth';

export class Allocator {
  readonly #truth: Truth;
  /** Whom it gave a room last. */
  #last = '';

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  /** Gives every room that waits to somebody, oldest session first, as far as agents are free. */
  assignAll(): void {
    if (this.#truth.config.allocator === null) return;
    const waiting = [...this.#truth.rooms.values()]
      .filter((room) => room.open !== null && room.agents.length === 0)
      .sort((a, b) => (a.open?.id ?? 0) - (b.open?.id ?? 0));
    for (const room of waiting) {
      const agent = this.#pick(room);
      if (!agent) continue;
      this.#last = agent.id;
      this.#truth.assign(room.id, agent.id, { maxAgents: 1, replace: false, by: 'hand' });
    }
  }

  #pick(room: Room): Agent | undefined {
    const { allocator, cap } = this.#truth.config;
    const most = cap ?? Number.POSITIVE_INFINITY;
    const free = [...this.#truth.agents.values()].filter(
      (agent) => agent.available && !agent.forceOffline && this.#truth.fits(agent, room) && agent.rooms.size < most,
    );
    if (allocator === 'least_busy') return free.toSorted((a, b) => a.rooms.size - b.rooms.size)[0];
    const ids = [...this.#truth.agents.keys()];
    const after = ids.indexOf(this.#last);
    return free.find(({ id }) => ids.indexOf(id) > after) ?? free[0];
  }
}
