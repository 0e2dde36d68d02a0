/**
 * The baseline of the latency: a bare relay without Redis, which keeps nothing safe.
 *
 * A room that it hears of gets the next free slot of a list in memory, in one call; without one it goes to a second list,
 * whose next room is given to the agent who ends a chat. Arguments: address of Qiscus, app id, secret, slots of each agent.
 */
import { endedRoom, qiscusAt, takeWebhooks } from './qiscus';

const [address = '', appId = '', secret = '', slotsEach = ''] = process.argv.slice(2);
const qiscus = qiscusAt(address, appId, secret);
const line: string[] = [];
const free: string[] = [];
for (let slot = 0; slot < Number(slotsEach); slot++) for (const { id } of await qiscus.agents()) free.push(id);

function take(list: string[], other: string[], mine: string): string | undefined {
  const found = other.shift();
  if (found === undefined) list.push(mine);
  return found;
}

takeWebhooks((body) => {
  if (endedRoom(body) === null) {
    const room = String(body.room_id);
    const agent = take(line, free, room);
    if (agent !== undefined) void qiscus.assign(room, agent);
  } else {
    const agent = String(body.resolved_by?.id);
    const room = take(free, line, agent);
    if (room !== undefined) void qiscus.assign(room, agent);
  }
  return Response.json({ status: 'success' });
});
