/**
 * The whole path at full speed: always the same number of chats open, each ends as soon as Qiscus has its agent, and the
 * next begins. Webhooks go out over bare TCP, because the sender must cost little of the cores that are measured.
 */

import type { Sandbox } from '../../src/qiscus/sandbox';
import allocation from '../fixtures/webhook-caa-documented-2025-channel-completed.json';
import resolve from '../fixtures/webhook-mar-shape-2025-app-code-channel.json';
import { APP_ID, WEBHOOK_TOKEN } from '../support/service';
import { Lines } from './lines';

const CONNECTIONS = 64;
const LOOK_MS = 4;
const HOOKS = '/api/v1/webhook';

const chat = (room_id: string) => JSON.stringify({ ...allocation, app_id: APP_ID, app_code: APP_ID, room_id });
const end = (room_id: string, id: number) =>
  JSON.stringify({ ...resolve, app_code: APP_ID, service: { ...resolve.service, room_id, id } });

/**
 * Serves `count` rooms, `open` of them at once; resolves when all have had an agent and every webhook is taken.
 * Returns how many were refused for the moment, and sent again. @throws Error when one is refused for good
 */
export async function flow(
  sandbox: Sandbox,
  order: { rooms: number; open: number; port: number },
  newRoom: () => string,
): Promise<number> {
  const lines = await Lines.open(order.port, CONNECTIONS);
  const chats = new Set<string>();
  for (let begun = 0, served = 0; served < order.rooms; await Bun.sleep(LOOK_MS)) {
    for (; begun < order.rooms && chats.size < order.open; begun++) {
      const roomId = newRoom();
      chats.add(roomId);
      void sandbox.rooms.create({ roomId, copies: 0 });
      lines.post(`${HOOKS}/agent_allocation/${WEBHOOK_TOKEN}`, chat(roomId));
    }
    for (const roomId of chats) {
      const { agents, openService } = sandbox.rooms.read(roomId);
      if (agents.length === 0) continue;
      chats.delete(roomId);
      served += 1;
      void sandbox.rooms.resolve(roomId, { copies: 0 });
      lines.post(`${HOOKS}/mark_as_resolved/${WEBHOOK_TOKEN}`, end(roomId, openService ?? 0));
    }
    if (lines.failure) throw lines.failure;
  }
  await lines.close();
  return lines.refused;
}
