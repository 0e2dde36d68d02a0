/**
 * Random lives of the service against the small model (model.ts), on a real Redis: after every step the ledger's state
 * equals the model's, and invariants 1 to 6 hold; at its end the journal is replayed, from its first record or from what
 * trimming and snapshots left of it (invariant 7). A failure prints its seed and the shortest sequence that shows it.
 *
 * PROPERTY_RUNS sets how many lives; PROPERTY_SEED replays one.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Intent } from '../../src/ledger/index';
import { connect, type RedisClient } from '../../src/redis/client';
import { readBooks } from '../support/books';
import { tried } from '../support/evidence';
import { brokenInBooks, brokenInvariants, brokenWhenQuiet, readSnapshot, type Snapshot } from '../support/invariants';
import { allocation, openTestLedger, resolved, type TestLedger } from '../support/ledger';
import { startTestRedis, type TestRedis } from '../support/redis';
import { Model } from './model';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 150);
const SEED = Number(process.env.PROPERTY_SEED ?? 1);
/** So few records are kept that a life is trimmed several times. */
const JOURNAL_ENTRIES = 24;

const room = fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8');
const channel = fc.constantFrom(null, '10', '20');
const service = fc.constantFrom(null, null, 0, 1, 2, 3);
const agentId = fc.constantFrom('a', 'b', 'aa');
const channels = fc.constantFrom(null, [], ['10'], ['10', '20']);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('allocation' as const), room, channel, service }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('resolved' as const), room, service }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const), want: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      which: fc.nat(3),
      how: fc.constantFrom('confirm', 'confirm', 'confirm', 'close', 'later', 'park', 'unknown', 'denied' as const),
      twice: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(100, 1_000, 40_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reclaim' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('snapshot' as const), parts: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('roster' as const),
      agents: fc.uniqueArray(fc.record({ id: agentId, online: fc.boolean(), channels }), { selector: (a) => a.id }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('patch' as const),
      agent: agentId,
      maxCustomers: fc.constantFrom(undefined, null, 1, 3),
      paused: fc.constantFrom(undefined, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), room }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('requeue' as const), room, evenAssigned: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('takeAway' as const), which: fc.nat(3) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Decisions at which the agent was passed over from whom the room was taken. */
let passedOver = 0;

/** One life: the ledger and the model side by side. */
class Life {
  readonly model: Model;
  readonly acknowledged = new Set<string>();
  #inHand: Intent[] = [];

  constructor(readonly real: TestLedger) {
    this.model = new Model(2, real.clock.ms);
  }

  async run(step: Step): Promise<void> {
    const { real, model } = this;
    switch (step.do) {
      case 'allocation':
      case 'resolved': {
        const webhook =
          step.do === 'allocation'
            ? allocation(step.room, { channelId: step.channel, finishedService: step.service })
            : resolved(step.room, step.service);
        await real.append(webhook);
        await real.applyAll();
        model.apply(webhook);
        if (step.do === 'allocation') this.acknowledged.add(step.room);
        return;
      }
      case 'take': {
        const taken = await real.ledger.takeIntents(step.want, 64, 1e9);
        for (const intent of taken.kind === 'taken' ? taken.intents : []) {
          const asks = intent.kind === 'question';
          const room = { state: asks ? 'assigned' : 'reserved', agent: intent.agentId, dueMs: null };
          expect(model.rooms.get(intent.roomId)).toMatchObject(room);
          if (!asks) model.sent(intent.roomId);
          this.#inHand.push(intent);
        }
        return;
      }
      case 'report':
        return this.#report(step);
      case 'advance':
        real.clock.ms += step.ms;
        model.advance(step.ms);
        return this.#advance();
      case 'reclaim': {
        const live = (
          await Promise.all(this.#inHand.map(async (intent) => ((await this.#isLive(intent)) ? intent : null)))
        ).filter((intent) => intent !== null);
        await real.ledger.reclaim(0, 1e9);
        model.reclaim(live.map((intent) => intent.roomId));
        return;
      }
      case 'snapshot':
        for (let i = 0; i < step.parts; i++) await real.ledger.snapshotJournal(1e12, JOURNAL_ENTRIES);
        return;
      case 'roster':
        await real.roster(step.agents);
        return model.roster(step.agents);
      case 'limit':
        await real.desk.setMaxCustomers(step.limit);
        model.limit = step.limit;
        return model.match();
      case 'patch':
        await real.desk.patchAgent(step.agent, step);
        return model.patch(step.agent, step);
      case 'release':
        await real.desk.releaseRoom(step.room);
        return model.release(step.room);
      case 'requeue':
        await real.desk.requeueRoom(step.room, step.evenAssigned ? await this.#assignedToken(step.room) : null);
        return model.requeue(step.room, step.evenAssigned);
      case 'takeAway': {
        // In a full office that serves all it got, and from agents who hold few rooms: they would get it again.
        const office = (['a', 'b', 'aa'] as const).map((id) => ({ id, online: true, channels: null }));
        await this.run({ do: 'roster', agents: office });
        await this.run({ do: 'take', want: 3 });
        while (this.#inHand.length > 0) await this.run({ do: 'report', which: 0, how: 'confirm', twice: false });
        const held = [...model.rooms].filter(([, { state }]) => state === 'assigned');
        held.sort(([, a], [, b]) => model.load(a.agent ?? '') - model.load(b.agent ?? ''));
        const room = held[step.which % held.length]?.[0];
        if (!room) return;
        await real.desk.requeueRoom(room, await this.#assignedToken(room));
        model.requeue(room, true);
        if ((await real.desk.readDecisions(room, 1))[0]?.fields.removed) passedOver += 1;
      }
    }
  }

  async #advance(): Promise<void> {
    for (let more = true; more; ) {
      const rules = {
        fallbackAgentId: null,
        fallbackAfterMs: 0,
        waitMaxMs: 1e12,
        keepMarkMs: 1e12,
        journalMs: 1e12,
        journalEntries: JOURNAL_ENTRIES,
      };
      more = (await this.real.ledger.advanceClock(rules)).more;
    }
  }

  /** Does the intent still hold its room? */
  async #isLive(intent: Intent): Promise<boolean> {
    if (intent.kind === 'question') return (await this.#tokenOf(intent.roomId, 'assigned')) === String(intent.token);
    const token = await this.#tokenOf(intent.roomId, 'reserved');
    return token === String(intent.token) && this.model.rooms.get(intent.roomId)?.dueMs === null;
  }

  async #assignedToken(roomId: string): Promise<number | null> {
    return (await this.real.desk.readRoom(roomId))?.token ?? null;
  }

  /** The fencing token of a room in that state, by its newest record that names one. */
  async #tokenOf(roomId: string, state: string): Promise<string | undefined> {
    const { desk } = this.real;
    if ((await desk.readRoom(roomId))?.state !== state) return undefined;
    return (await desk.readDecisions(roomId, 50)).find((record) => record.fields.token)?.fields.token;
  }

  async #report(step: Extract<Step, { do: 'report' }>): Promise<void> {
    const { ledger, clock } = this.real;
    const [intent] = this.#inHand.splice(Math.min(step.which, Math.max(0, this.#inHand.length - 1)), 1);
    if (!intent) return;
    if (intent.kind === 'question') return this.#answer(intent, step.how);
    const dueMs = clock.ms + 500;
    const tell = () => {
      if (step.how === 'confirm') return ledger.confirm(intent, 'confirmed');
      if (step.how === 'unknown' || step.how === 'denied') {
        return ledger.defer(intent, step.how, {
          kind: step.how,
          sent: step.how === 'unknown',
          dueMs,
          pauseMs: 0,
          limit: 1e9,
        });
      }
      return ledger.refuse(intent, step.how, step.how, dueMs);
    };
    const live = await this.#isLive(intent);
    expect(await tell()).toBe(live ? 'done' : 'fenced');
    if (live) {
      if (step.how === 'confirm') this.model.confirm(intent.roomId);
      else if (step.how === 'unknown' || step.how === 'denied')
        this.model.defer(intent.roomId, step.how === 'unknown', dueMs);
      else this.model.refuse(intent.roomId, step.how, dueMs);
    }
    if (step.twice && step.how !== 'unknown' && step.how !== 'denied') expect(await tell()).toBe('fenced');
  }

  async #answer(intent: Intent, how: string): Promise<void> {
    const over = how === 'close' || how === 'later';
    const lost = how === 'unknown' || how === 'denied';
    const answer = over ? 'resolved' : lost ? 'none' : how === 'park' ? 'refused' : 'held';
    const live = await this.#isLive(intent);
    const about = { kind: 'answered', pauseMs: 0 } as const;
    expect(await this.real.ledger.answer(intent, answer, about)).toBe(live ? 'done' : 'fenced');
    if (live && !over) this.model.answered(intent.roomId, !lost);
    if (live && over) this.model.overAtQiscus(intent.roomId);
    if (live && answer === 'refused') this.model.refusedAtQiscus(intent.roomId);
  }

  async check(): Promise<void> {
    const now = await readSnapshot(this.real);
    const books = await readBooks(this.real.client, this.real.keys);
    expect([...brokenInvariants(now, this.acknowledged), ...brokenInBooks(books)]).toEqual([]);
    expect(seen(now)).toEqual(this.#expected());
  }

  #expected() {
    const { rooms, agents } = this.model;
    return {
      rooms: Object.fromEntries([...rooms].map(([id, { state, agent }]) => [id, `${state} ${agent ?? ''}`])),
      agents: Object.fromEntries(
        [...agents].map(([id, agent]) => [
          id,
          `${agent.online} ${agent.paused} ${this.model.load(id)} ${agent.own ?? this.model.limit}`,
        ]),
      ),
    };
  }
}

function seen(now: Snapshot) {
  return {
    rooms: Object.fromEntries([...now.rooms].map(([id, { state, agentId }]) => [id, `${state} ${agentId ?? ''}`])),
    agents: Object.fromEntries(
      [...now.agents].map(([id, agent]) => [id, `${agent.online} ${agent.paused} ${agent.load} ${agent.limit}`]),
    ),
  };
}

let redis: TestRedis;
let client: RedisClient;
beforeAll(async () => {
  redis = await startTestRedis();
  client = await connect(redis.url, 'command');
  await client.config('SET', 'stream-node-max-entries', '4');
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

test(
  '[F09 F48 F49 F50 F55] any life of the service keeps the invariants and does what the small model does',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
        const life = new Life(await openTestLedger(client));
        await life.run({
          do: 'roster',
          agents: [
            { id: 'a', online: true, channels: null },
            { id: 'b', online: true, channels: ['10'] },
          ],
        });
        for (const next of steps) {
          await life.run(next);
          await life.check();
        }
        // The whole journal, or what is left of it, tells the same.
        expect(await brokenWhenQuiet(client, life.real.keys, null, life.acknowledged)).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(passedOver).toBeGreaterThanOrEqual(Math.floor(RUNS / 30));
    for (const hazard of ['F09', 'F48', 'F49', 'F50', 'F55']) tried(RUNS, hazard);
  },
  10 * 60_000,
);
