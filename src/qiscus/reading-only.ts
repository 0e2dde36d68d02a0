/**
 * A Qiscus whose hands are tied: it reads what the real one shows, and changes nothing there. What a dry run is given.
 *
 * 1. No path from here leads to a call that changes anything: the client's own verbs for that are not handed on.
 * 2. Nor to the login, of which Qiscus makes a token.
 */
import type { Qiscus } from './model';

/** The reading half of `qiscus`. */
export function readingOnly(qiscus: Qiscus): Qiscus {
  const { readRoom, listAgents, listOthers, listRooms } = qiscus;
  return {
    readRoom,
    listAgents,
    listOthers,
    listRooms,
    assignAgent: async () => ({ kind: 'not_made' }),
    removeAgent: async () => false,
    readResolveWebhook: async () => null,
    setResolveWebhook: async () => ({ kind: 'refused', reason: 'dry run' }),
  };
}
