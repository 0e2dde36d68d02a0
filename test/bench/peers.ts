/**
 * Twenty chats in the same moment, four slots: how many agents end above the limit, against the way of most public
 * projects (read the count, then assign). The baseline on BullMQ has to keep the limit too, or it would not be the same job.
 */
import type { Reading } from './measure';
import { openScenes } from './scene';

const CHATS = 20;
const LIMIT = 2;
const AGENTS = 2;

export async function measurePeers(): Promise<Reading[]> {
  const options = { agents: AGENTS, limit: LIMIT };
  const { scenes, stop } = await openScenes({
    service: { serve: 'service', ...options },
    peer: { serve: 'peer', ...options },
    bullmq: { serve: 'bullmq', ...options },
  });
  try {
    const burst = (name: keyof typeof scenes) => scenes[name].city.ask({ do: 'burst', chats: CHATS });
    const [service, peer, bullmq] = [await burst('service'), await burst('peer'), await burst('bullmq')];
    if (bullmq.overLimit > 0) throw new Error('the baseline on BullMQ does not keep the limit');
    const rooms = `rooms given: ${service.assigned} by us, ${peer.assigned} by the peer's way, ${bullmq.assigned} on BullMQ`;
    return [
      {
        id: 'peers.above',
        measured: service.overLimit,
        baseline: peer.overLimit,
        ratio: service.overLimit / Math.max(1, peer.overLimit),
        note: `${AGENTS} agents with ${LIMIT} rooms each; ${rooms}`,
      },
    ];
  } finally {
    await stop();
  }
}
