/**
 * What people are told of decisions is what the ledger does, in random lives of an office on a real Redis.
 *
 * 1. Before a customer comes, a room of the same channel is explained: its `next` is whom the ledger then chooses, and who lost,
 *    and by which key, is what the rule says, written a second time here.
 * 2. At the end every decision is asked about by every agent, in pages: walking back from now tells of each what the replay,
 *    walking forward from the first record, knows.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import pino from 'pino';
import { agentDecisions } from '../../src/http/agents/decisions';
import type { Candidate } from '../../src/ledger/explanation';
import type { JournalRecord } from '../../src/ledger/model';
import { byId } from '../../src/ledger/past';
import { connect, type RedisClient } from '../../src/redis/client';
import { JournalReader } from '../../src/streams/journal';
import { readBooks } from '../support/books';
import { brokenWhenQuiet, isEligible } from '../support/invariants';
import { limitOf, loadOf, serves } from '../support/judge';
import { allocation, openTestLedger, resolved, type TestLedger } from '../support/ledger';
import { startTestRedis, type TestRedis } from '../support/redis';
import { Replay } from '../support/replay';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 60);
const SEED = Number(process.env.PROPERTY_SEED ?? 1);
const IDS = ['a', 'b', 'aa', 'ab', 'c'];
const PAGE = 4;

const agentId = fc.constantFrom(...IDS);
const reading = fc.record({
  id: agentId,
  online: fc.boolean(),
  channels: fc.constantFrom(null, ['10'], ['20'], ['10', '20']),
  count: fc.constantFrom(null, null, 0, 1, 2),
});
const roster = fc.uniqueArray(reading, { selector: ({ id }) => id, minLength: 2 });
const step = fc.oneof(
  { weight: 9, arbitrary: fc.record({ do: fc.constant('come' as const), channel: fc.constantFrom(null, '10', '20') }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      how: fc.constantFrom('confirm', 'confirm', 'confirm', 'confirm', 'later', 'park', 'close' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('resolve' as const), which: fc.nat(30) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('requeue' as const), which: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('roster' as const), roster }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('patch' as const),
      id: agentId,
      maxCustomers: fc.constantFrom(undefined, null, 1, 3),
      paused: fc.constantFrom(undefined, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(0, 1, 5_000, 70_000) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Office {
  #rooms = 0;

  constructor(readonly real: TestLedger) {}

  async run(step: Step): Promise<void> {
    const { desk, ledger, clock } = this.real;
    switch (step.do) {
      case 'come':
        return this.#come(step.channel);
      case 'call': {
        const taken = await ledger.takeIntents(1, 64, 1e9);
        const [intent] = taken.kind === 'taken' ? taken.intents : [];
        if (!intent || intent.kind === 'question') return;
        if (step.how === 'confirm') await ledger.confirm(intent, 'confirmed');
        else await ledger.refuse(intent, 'no', step.how, clock.ms + 500, step.how === 'close');
        return;
      }
      case 'resolve':
        await this.real.append(resolved(`${step.which}`));
        return this.real.applyAll();
      case 'requeue': {
        for (let i = 0; i < this.#rooms; i++) {
          const room = await desk.readRoom(`${(step.which + i) % this.#rooms}`);
          if (room && (await desk.requeueRoom(room.roomId, room.token)).kind === 'done') return;
        }
        return;
      }
      case 'roster':
        return this.real.roster(step.roster);
      case 'patch':
        await desk.patchAgent(step.id, step);
        return;
      case 'limit':
        return desk.setMaxCustomers(step.limit);
      case 'advance': {
        clock.ms += step.ms;
        const never = { waitMaxMs: 1e12, keepMarkMs: 1e12, journalMs: 1e12, journalEntries: 1e6 };
        const rules = { fallbackAgentId: 'c', fallbackAfterMs: 60_000, ...never };
        while ((await ledger.advanceClock(rules)).more);
      }
    }
  }

  /** A customer comes, after some room of the channel was asked whom the rule would choose now. */
  async #come(channelId: string | null): Promise<void> {
    const { desk } = this.real;
    let told: string | null | undefined;
    for (let i = this.#rooms - 1; i >= 0 && told === undefined; i--) {
      const room = await desk.readRoom(`${i}`);
      if (room && room.state !== 'resolved' && room.channelId === channelId) told = await this.#explained(room.roomId);
    }
    const id = `${this.#rooms++}`;
    await this.real.append(allocation(id, { channelId }));
    await this.real.applyAll();
    if (told === undefined) return;
    const { state, agentId } = (await desk.readRoom(id)) ?? {};
    expect([state, agentId]).toEqual(told === null ? ['waiting', null] : ['reserved', told]);
  }

  async #explained(roomId: string): Promise<string | null> {
    const { desk } = this.real;
    const explained = await desk.explainRoom(roomId);
    const agents = await desk.listAgents();
    const able = explained?.candidates.filter(({ verdict }) => verdict === 'next' || verdict === 'lost') ?? [];
    const eligible = agents.filter((agent) => isEligible(agent, explained?.channelId ?? ''));
    expect(able.map(({ id }) => id).sort()).toEqual(eligible.map(({ id }) => id).sort());
    expect(explained?.candidates.map(({ id }) => id).sort()).toEqual(agents.map(({ id }) => id).sort());
    expect(able.map(({ id }) => id)).toEqual([...able].sort(byRule).map(({ id }) => id));
    const [best, ...others] = able;
    expect(explained?.next ?? null).toBe(best?.id ?? null);
    expect(others.map(({ lostBy }) => lostBy)).toEqual(others.map((one) => lostTo(one, best as Candidate)));
    return explained?.next ?? null;
  }
}

const lastOf = ({ lastAssignedMs }: Candidate) => lastAssignedMs ?? 0;
const byRule = (a: Candidate, b: Candidate) => a.load - b.load || lastOf(a) - lastOf(b) || byId(a, b);
const lostTo = (a: Candidate, b: Candidate) =>
  a.load !== b.load ? 'load' : lastOf(a) !== lastOf(b) ? 'last_assigned' : 'id';

/** What the replay, right before a decision, knows of an agent's part in it. */
function expected(now: Replay, id: string, { fields }: JournalRecord, known: boolean): string {
  const agent = known ? now.agents.get(id) : undefined;
  if (fields.agent === id) return `chosen ${loadOf(now, id)}`;
  if (!agent) return now.agents.has(id) ? 'unknown' : 'not_joined';
  const load = loadOf(now, id);
  const said = (verdict: string) => `${verdict} ${load}/${limitOf(now, agent)}`;
  if (fields.removed === id) return said('removed');
  if (!serves(agent, fields.channel ?? '')) return said('off_channel');
  if (agent.online === 0) return said('away');
  if (agent.paused === 1) return said('paused');
  if (load >= limitOf(now, agent)) return said('full');
  if (load !== Number(fields.load)) return said('load');
  return said(agent.last === Number(fields.last) ? 'id' : 'last_assigned');
}

/** What came of a decision, by the next thing that happened to its reservation. */
function cameOf({ fields: { room } }: JournalRecord, later: JournalRecord[]): string {
  const next = later.find(
    ({ event, fields }) =>
      fields.room === room && event.startsWith('room.') && event !== 'room.answered' && event !== 'room.questioned',
  );
  if (!next) return 'reserved';
  if (next.event === 'room.assigned') return 'got';
  const isNo = ['room.refused', 'room.closed'].includes(next.event) || next.fields.refusals !== undefined;
  return isNo ? 'refused' : 'dropped';
}

let redis: TestRedis;
let client: RedisClient;
beforeAll(async () => {
  redis = await startTestRedis();
  client = await connect(redis.url, 'command');
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

test('whom a room would get, and why an agent got none, is told as the ledger decides', async () => {
  let asked = 0;
  let passedOver = 0;
  await fc.assert(
    fc.asyncProperty(roster, fc.array(step, { minLength: 10, maxLength: 70, size: 'max' }), async (first, steps) => {
      const office = new Office(await openTestLedger(client));
      const { desk, keys } = office.real;
      await office.run({ do: 'roster', roster: first });
      for (const next of steps) await office.run(next);
      expect(await brokenWhenQuiet(client, keys, null, [])).toEqual([]);

      const { journal } = await readBooks(client, keys);
      const silent = pino({ level: 'silent' });
      const feed = new JournalReader(client, { on: () => () => undefined }, keys.journal, silent);
      passedOver += journal.filter(({ fields }) => fields.removed).length;
      const agents = await desk.listAgents();
      const joined = (id: string) =>
        journal.findLastIndex(({ event, fields }) => event === 'agent.joined' && fields.agent === id);
      const now = new Replay(null);
      const right = new Map<string, string[]>(agents.map(({ id }) => [id, []]));
      for (const [at, record] of journal.entries()) {
        if (record.event === 'room.reserved')
          for (const { id } of agents) {
            const word = expected(now, id, record, at > joined(id));
            right.get(id)?.push(word.startsWith('chosen') ? `${word} ${cameOf(record, journal.slice(at + 1))}` : word);
          }
        now.apply(record);
      }
      for (const { id } of agents) {
        const told: string[] = [];
        let counted: number | null = null;
        for (let after: string | null = null, more = true; more; more = after !== null) {
          const page = await agentDecisions(desk, feed, { agentId: id, sinceMs: 0, after, limit: PAGE });
          counted ??= [...(page?.counts.values() ?? [])].reduce((sum, count) => sum + count, 0);
          for (const { verdict, load, limit, end } of page?.decisions ?? []) {
            const word = verdict === 'offline' || verdict === 'aside' ? 'away' : verdict;
            if (verdict === 'chosen') told.push(`chosen ${load} ${end}`);
            else told.push(load === null ? verdict : `${word} ${load}/${limit}`);
          }
          after = page?.next ?? null;
        }
        expect(told.reverse()).toEqual(right.get(id) ?? []);
        expect(counted).toBe(told.length);
        asked += told.length;
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(asked).toBeGreaterThan(RUNS);
  expect(passedOver).toBeGreaterThanOrEqual(Math.floor(RUNS / 30));
}, 120_000);
