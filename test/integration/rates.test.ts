/** Rates of a real service: they are what a count by hand of its journal gives, in every process, whenever it was first asked. */
import { expect, test } from 'bun:test';
import { caller } from '../support/service';
import { until } from '../support/wait';
import { type WorldRecord, worlds } from '../support/world';

const openWorld = worlds();

interface Rates {
  complete: boolean;
  minutes: Record<string, number | null>[];
}
const COUNTED = ['arrived', 'reserved', 'assigned', 'resolved', 'repaired'] as const;

/** Sums over all minutes. */
const sums = ({ minutes }: Rates) =>
  Object.fromEntries(COUNTED.map((name) => [name, minutes.reduce((sum, one) => sum + Number(one[name]), 0)]));

/** By other means than the service's: sessions begin where a record names a place for the first time. */
function byHand(records: WorldRecord[]) {
  const count = (...events: string[]) => records.filter(({ event }) => events.includes(event)).length;
  return {
    arrived: new Set(records.flatMap(({ fields }) => fields.place ?? [])).size,
    reserved: count('room.reserved'),
    assigned: count('room.assigned'),
    resolved: count('room.released', 'room.repaired'),
    repaired: count('room.repaired', 'room.adopted'),
  };
}

test('rates are a count of the journal, before and after the first asking, in two processes', async () => {
  const world = await openWorld({ online: ['agent_01', 'agent_02'], limit: 2 });
  const { sandbox, api } = world;
  const read = async (from = api) => (await from.get('/rates?minutes=60')).body as unknown as Rates;
  const agrees = async (from = api) => {
    const found = await read(from);
    expect(found.complete).toBe(true);
    expect(sums(found)).toEqual(byHand(await world.journal()));
    return true;
  };

  await world.chats('r1', 'r2', 'r3', 'r4', 'r5', 'r6');
  await until(() => world.served().length === 4, { what: 'four rooms served' });
  await agrees();

  // Heard live by the first, read as the past by the second.
  for (const room of ['r1', 'r2']) await sandbox.rooms.resolve(room, { copies: 1 });
  await world.becomes('r6', 'assigned');
  // Lost webhooks: a resolve, and one that would have opened a chat.
  await sandbox.rooms.resolve('r3', { copies: 0 });
  await sandbox.rooms.create({ roomId: 'r7', copies: 0 });
  await world.becomes('r3', 'resolved');
  await world.becomes('r7', 'assigned');
  await until(() => agrees(), { what: 'the first process to agree with the journal' });
  const second = await world.start({ ROLE: 'api' });
  await until(() => agrees(caller(second.url ?? '')), { what: 'the second process to agree with the journal' });

  const first = await read();
  expect(first.minutes).toEqual((await read(caller(second.url ?? ''))).minutes);
  const busy = first.minutes.filter(({ reserved }) => Number(reserved) > 0);
  for (const minute of busy) {
    expect(minute.wait_p50_seconds).toBeGreaterThan(0);
    expect(Number(minute.wait_p95_seconds)).toBeGreaterThanOrEqual(Number(minute.wait_p50_seconds));
  }
}, 60_000);
