import type { Qiscus } from '../../src/qiscus/model';

/** A Qiscus with nothing to tell. */
export const QUIET: Qiscus = {
  assignAgent: async () => ({ kind: 'unknown', sent: false, reason: 'not asked' }),
  removeAgent: async () => false,
  readRoom: async () => ({ kind: 'failed', reason: 'not asked' }),
  listAgents: async () => ({ kind: 'agents', agents: [], calls: 1 }),
  listOthers: async () => ({ kind: 'failed', reason: 'not asked' }),
  listRooms: async () => ({ kind: 'rooms', rooms: [], calls: 1 }),
  readResolveWebhook: async () => null,
  setResolveWebhook: async () => ({ kind: 'refused', reason: 'not asked' }),
};
