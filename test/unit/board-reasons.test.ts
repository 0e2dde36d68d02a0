/** What the board says of journal records: the reasons, in both languages, for every event that the ledger can write. */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { why as en } from '../../src/http/board/page/en-why';
import { why as id } from '../../src/http/board/page/id-why';
import { countsIn, kindOf, reasonIn, secondsWaited, tell } from '../../src/http/board/page/reasons';

const NAMES: Record<string, string> = { '7': 'Budi', '9': 'Sari' };
const nameOf = (agentId: string) => NAMES[agentId] ?? agentId;
const reserved = (more: Record<string, string>) => ({
  event: 'room.reserved',
  fields: { room: '1', agent: '7', load: '1', limit: '5', runner_up: '9:2', full: '3', offline: '1', ...more },
});

test('why an agent was chosen: load, runner-up, who could not', () => {
  expect(tell(reserved({}), en, nameOf)).toEqual({
    what: 'Given to Budi',
    why: 'lowest load, 1 of 5; next best Sari with 2; 3 full, 1 offline',
  });
  expect(tell(reserved({ runner_up: '9:1', full: '0', offline: '0' }), id, nameOf).why).toBe(
    'beban paling ringan, 1 dari 5; beban Sari sama, tetapi gilirannya belakangan',
  );
  expect(tell(reserved({ runner_up: '', full: '0', offline: '0' }), en, nameOf).why).toBe(
    'lowest load, 1 of 5; nobody else was free',
  );
  expect(tell(reserved({ reason: 'fallback' }), en, nameOf).why).toBe(en.fallback);
  const taken = reserved({ reason: 'agent_removed', removed: '9', runner_up: '', full: '0', offline: '0' });
  expect(tell(taken, en, nameOf).why).toBe(
    `taken from ${nameOf('9')}, so others went first; lowest load, 1 of 5; nobody else was free`,
  );
});

test('from whom an operator took a room; one that was parked was taken from nobody', () => {
  const requeued = (was: string) => ({ event: 'room.requeued', fields: { room: '1', agent: '7', was } });
  expect(tell(requeued('assigned'), en, nameOf).what).toBe('Taken from Budi by an operator');
  expect(tell(requeued('assigned'), id, nameOf).what).toBe('Diambil dari Budi oleh operator');
  expect(tell(requeued('parked'), en, nameOf).what).toBe('Put back in line by an operator');
});

test('reasons of refusals are words, and what nobody knows stays as it is', () => {
  expect(reasonIn('refused_422', en)).toBe('Qiscus answered 422');
  expect(reasonIn('status 500', id)).toBe('Qiscus menjawab 500');
  expect(reasonIn('denied_401', en)).toContain('credentials (401)');
  expect(reasonIn('exceed_max_agents', en)).toBe('somebody is in the room at Qiscus already');
  expect(reasonIn('something new', en)).toBe('something new');
  expect(countsIn({ full: 2, eligible: 1, off_channel: '0' }, en)).toBe('2 full');
});

test('what an operator did, refused or lost is a decision; what happens all the time is none', () => {
  const kind = (event: string, fields: Record<string, string> = {}) => kindOf({ event, fields });
  expect(kind('room.released', { reason: 'operator' })).toBe('hand');
  expect(kind('room.released', { reason: 'resolved' })).toBeNull();
  expect(kind('agent.offline', { reason: 'refused' })).toBe('refused');
  expect(kind('agent.offline', { reason: 'absent' })).toBeNull();
  expect(kind('limit.changed', { by: 'operator' })).toBe('hand');
  expect(kind('limit.changed', { by: 'configuration' })).toBeNull();
  expect(kind('limit.changed', { by: 'max_customers' })).toBe('hand');
  expect(kind('limit.changed', { by: 'initial_max_customers' })).toBeNull();
  expect(kind('room.adopted', { reason: 'listed' })).toBe('repaired');
  expect(kind('room.adopted', { reason: 'came_back' })).toBeNull();
  expect(kind('room.adopted', { reason: 'still_listed' })).toBeNull();
  for (const event of ['call.sent', 'room.assigned', 'entry.repeated']) expect(kind(event)).toBeNull();
});

test('how long a room had to wait is of this session, or of the one that is over', () => {
  const of = (event: string, waited = '') => ({ event, fields: { room: '1', waited } });
  const served = [of('room.assigned', '2500'), of('room.reserved'), of('room.waiting')];
  const before = [of('room.released'), of('room.assigned', '9000')];
  expect(secondsWaited('assigned', [...served, ...before])).toBe(2.5);
  expect(secondsWaited('resolved', [of('entry.unheld'), of('room.repaired'), ...served, ...before])).toBe(2.5);
  // Taken from its agent since: that is no wait.
  const given = [of('room.assigned'), of('room.reserved'), of('room.requeued'), of('room.assigned', '400')];
  expect(secondsWaited('assigned', [...given, of('room.reserved'), ...before])).toBe(0.4);
  // Nobody had it this time.
  expect(secondsWaited('resolved', [of('room.expired'), of('room.waiting'), ...before])).toBeNull();
  expect(secondsWaited('waiting', [of('room.waiting'), ...before])).toBeNull();
});

/** Every event name that the scripts pass to `journal`. */
const LUA = join(import.meta.dir, '../../lua');
const events = new Set(
  [LUA, join(LUA, 'prelude')]
    .flatMap((folder) => readdirSync(folder, { withFileTypes: true }).map((file) => join(folder, file.name)))
    .filter((file) => file.endsWith('.lua'))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/journal\(.*?'([a-z]+\.[a-z]+)'/g)])
    .flatMap((match) => match[1] ?? []),
);

test('every event about a room, a call or an entry has words in both languages, without a hole', () => {
  expect(events.size).toBeGreaterThan(20);
  const fields = { room: '1', agent: '7', reason: 'resolved', from: '2', to: '3', position: '1', qiscus: 'held' };
  for (const event of events) {
    if (!/^(room|call|entry)\./.test(event)) continue;
    for (const words of [en, id]) {
      expect(`${event}: ${Object.keys(words.events).includes(event)}`).toBe(`${event}: true`);
      const { what, why } = tell({ event, fields }, words, nameOf);
      expect(`${what} ${why}`).not.toMatch(/undefined|null|NaN/);
    }
  }
  expect(Object.keys(id.events).sort()).toEqual(Object.keys(en.events).sort());
});
