/**
 * The invariant checker: reads the whole state of one app and names every broken promise.
 *
 * 1. Acknowledged rooms are never lost.   2. We never fill an agent above its limit (the caller tells what we added).
 * 3. One holder at most, never in line and held.   4. Counts equal holders.   5. The line is in order of arrival.
 * 6. Nobody waits while an eligible agent has capacity.
 */
import type { AgentView, RoomView } from '../../src/ledger/model';
import type { TestLedger } from './ledger';

export interface Snapshot {
  rooms: Map<string, RoomView>;
  agents: Map<string, AgentView>;
  line: { channel: string; place: string; room: string }[];
  heads: string[];
  held: { agent: string; room: string }[];
  later: string[];
  parked: string[];
  ready: string[];
}

/** Reads everything; call it while nothing else runs. */
export async function readSnapshot({
  client,
  keys,
  desk,
}: Pick<TestLedger, 'client' | 'keys' | 'desk'>): Promise<Snapshot> {
  const ids = await client.hkeys(keys.rooms);
  const views = await Promise.all(ids.map((id) => desk.readRoom(id)));
  const split = (members: string[]) => members.map((member) => member.split('\0'));
  return {
    rooms: new Map(views.flatMap((view) => (view ? [[view.roomId, view] as const] : []))),
    agents: new Map((await desk.listAgents()).map((agent) => [agent.id, agent])),
    line: split(await client.zrange(keys.line, '0', '-1')).map(([channel = '', place = '', room = '']) => ({
      channel,
      place,
      room,
    })),
    heads: await client.zrange(keys.heads, '0', '-1'),
    held: split(await client.zrange(keys.held, '0', '-1')).map(([agent = '', room = '']) => ({ agent, room })),
    later: await client.zrange(keys.later, '0', '-1'),
    parked: await client.zrange(keys.parked, '0', '-1'),
    ready: await client.zrange(keys.ready, '0', '-1'),
  };
}

/** Every broken invariant by name; empty when all hold. @param acknowledged rooms whose allocation was applied */
export function brokenInvariants(now: Snapshot, acknowledged: Iterable<string>): string[] {
  const broken: string[] = [];
  for (const room of acknowledged) if (!now.rooms.has(room)) broken.push(`1 lost: ${room}`);

  const inLine = new Set(now.line.map(({ room }) => room));
  const holders = Map.groupBy(now.held, ({ room }) => room);
  for (const [id, room] of now.rooms) {
    const holding = holders.get(id) ?? [];
    const isHeld = room.state === 'reserved' || room.state === 'assigned';
    if (holding.length > 1) broken.push(`3 two holders: ${id}`);
    if (isHeld !== (holding.length === 1) || (isHeld && holding[0]?.agent !== room.agentId))
      broken.push(`3 holder: ${id}`);
    if (isHeld && inLine.has(id)) broken.push(`3 in line and held: ${id}`);
    if ((room.state === 'waiting') !== (inLine.has(id) || (now.later.includes(id) && !isHeld)))
      broken.push(`3 line: ${id}`);
    if ((room.state === 'parked') !== now.parked.includes(id)) broken.push(`3 parked: ${id}`);
  }
  for (const agent of now.agents.values()) {
    const rooms = now.held.filter((item) => item.agent === agent.id).map((item) => now.rooms.get(item.room)?.state);
    const reserved = rooms.filter((state) => state === 'reserved').length;
    const assigned = rooms.filter((state) => state === 'assigned').length;
    if (agent.reserved !== reserved || agent.assigned !== assigned) broken.push(`4 count: ${agent.id}`);
    if (agent.load < 0 || agent.outside < 0) broken.push(`4 negative: ${agent.id}`);
    const shown = now.ready.filter((member) =>
      member.endsWith(`\0${String(agent.id.length).padStart(3, '0')}${agent.id}`),
    );
    if (shown.length !== (agent.online && !agent.paused ? 1 : 0)) broken.push(`4 ready: ${agent.id}`);
    if (shown[0] && Number(shown[0].split('\0')[1]) !== agent.load) broken.push(`4 ready load: ${agent.id}`);
  }

  const byChannel = Map.groupBy(now.line, ({ channel }) => channel);
  const heads = [...byChannel].map(([channel, rooms]) => `${rooms[0]?.place}\0${channel}`).sort();
  if (heads.join() !== [...now.heads].sort().join()) broken.push('5 heads differ from the lines');
  for (const [channel, rooms] of byChannel) {
    const places = rooms.map(({ place }) => place);
    if (places.join() !== [...places].sort().join()) broken.push(`5 order: ${channel}`);
    const idle = [...now.agents.values()].find((agent) => isEligible(agent, channel));
    if (idle) broken.push(`6 waits while ${idle.id} has capacity: channel ${channel || 'none'}`);
  }
  return broken;
}

/** The eligibility rule, written a second time on purpose: the checker must not believe the ledger. */
export function isEligible(agent: AgentView, channel: string): boolean {
  const fits = channel === '' || agent.channels === null || agent.channels.includes(channel);
  return agent.online && !agent.paused && fits && agent.load < agent.limit;
}
