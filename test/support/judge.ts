/**
 * The rule of the choice, written a second time with plain scans: was this room the right one, and this agent?
 *
 * The agent: online, unpaused, serving the channel, below its limit; of these the lowest load, then longest since its last
 * confirmed assignment, then its id by length and bytes. The room: no older one in line may be served by that agent.
 * The fallback agent is exempt from channel and order, never from the limit. A room that was just taken from its agent goes to
 * whoever else can take it, unless a larger drain is under way: then there are older rooms that nobody has looked at yet.
 */
import type { BookAgent, BookRoom } from './books';

export interface Position {
  limit: number;
  rooms: ReadonlyMap<string, BookRoom>;
  agents: ReadonlyMap<string, BookAgent>;
  inLine: ReadonlyMap<string, BookRoom>;
  holds: ReadonlyMap<string, ReadonlySet<string>>;
}

export const loadOf = (now: Position, id: string) =>
  (now.holds.get(id)?.size ?? 0) + (now.agents.get(id)?.outside ?? 0);

export const limitOf = (now: Position, agent: BookAgent) => (agent.limit >= 0 ? agent.limit : now.limit);

export const serves = (agent: BookAgent, channel: string) =>
  channel === '' || agent.channels === '*' || agent.channels.split(',').includes(channel);

/** Order of arrival: inbox ids, as numbers. */
export function byPlace(a: string, b: string): number {
  const [aMs = 0, aSequence = 0] = a.split('-').map(Number);
  const [bMs = 0, bSequence = 0] = b.split('-').map(Number);
  return aMs - bMs || aSequence - bSequence;
}

/**
 * What is wrong with a decision, in words; empty when it was right.
 * @param now the state before it, the room in line
 * @param takenFrom the agent whom the room was taken from in the step right before
 */
export function judge(
  now: Position,
  roomId: string,
  record: Record<string, string>,
  takenFrom: string | null = null,
): string[] {
  const faults: string[] = [];
  const expect = (what: string, ours: string | number, told: string | undefined) => {
    if (String(ours) !== told) faults.push(`${what} should be ${ours || 'nobody'}, not ${told || 'nobody'}`);
  };
  const room = now.inLine.get(roomId);
  const agent = now.agents.get(record.agent ?? '');
  if (!room) return [`${roomId} is not in line`];
  if (!agent) return [`${record.agent} is unknown`];

  const present = [...now.agents];
  const ready = present.filter(([, { online, paused }]) => online === 1 && paused === 0);
  const able = ready.filter(([, one]) => serves(one, room.channel));
  const isFull = ([id, one]: [string, BookAgent]) => loadOf(now, id) >= limitOf(now, one);
  expect('place', room.place, record.place);
  expect('channel', room.channel, record.channel ?? '');
  // Versions before did not say it.
  if (record.last !== undefined) expect('last', agent.last, record.last);
  expect('load', loadOf(now, record.agent ?? ''), record.load);
  expect('limit', limitOf(now, agent), record.limit);
  expect('offline', present.filter(([, { online }]) => online === 0).length, record.offline);
  expect('paused', present.filter(([, { online, paused }]) => online === 1 && paused === 1).length, record.paused);

  if (record.reason === 'fallback') {
    if (!ready.some(([id]) => id === record.agent)) faults.push('the fallback agent is away');
    if (loadOf(now, record.agent ?? '') >= limitOf(now, agent)) faults.push('the fallback agent is full');
    return faults;
  }
  const free = able
    .filter((one) => !isFull(one))
    .sort(
      ([a, one], [b, two]) =>
        loadOf(now, a) - loadOf(now, b) ||
        one.last - two.last ||
        Buffer.byteLength(a) - Buffer.byteLength(b) ||
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
    )
    .map(([id]) => id);
  const others = free.filter((id) => id !== takenFrom);
  const isPassedOver = free[0] === takenFrom && others.length > 0 && !isDraining(now, roomId, takenFrom);
  const [best, second] = isPassedOver ? others : free;
  expect('the reason', isPassedOver ? 'agent_removed' : 'least_loaded', record.reason);
  expect('the one removed', isPassedOver ? (takenFrom ?? '') : '', record.removed ?? '');
  expect('the agent', best ?? '', record.agent);
  expect('the runner-up', second === undefined ? '' : `${second}:${loadOf(now, second)}`, record.runner_up);
  expect('full', able.filter(isFull).length, record.full);
  expect('off_channel', ready.length - able.length, record.off_channel);
  for (const [id, other] of now.inLine) {
    if (byPlace(other.place, room.place) < 0 && serves(agent, other.channel))
      faults.push(`${roomId} overtakes ${id}, which is older and ${record.agent} may serve it too`);
  }
  return faults;
}

/** Does another room wait that somebody could take, beside the agent whose slot was freed a moment ago? */
function isDraining(now: Position, roomId: string, freed: string): boolean {
  const free = [...now.agents].filter(
    ([id, agent]) => id !== freed && agent.online === 1 && agent.paused === 0 && loadOf(now, id) < limitOf(now, agent),
  );
  return [...now.inLine].some(([id, { channel }]) => id !== roomId && free.some(([, agent]) => serves(agent, channel)));
}
