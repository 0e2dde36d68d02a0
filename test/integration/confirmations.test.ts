/** Confirmations that go together (src/ledger/confirmations.ts): in fewer scripts, and each on its own all the same. */
import { expect, test } from 'bun:test';
import { type Intent, Ledger } from '../../src/ledger/index';
import { type Reply, Scripts } from '../../src/redis/scripts';
import { allocation } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { until } from '../support/wait';

/** Tells of its scripts; `before` and `after` each may hold one up, or make it fail. */
class WatchedLedger extends Ledger {
  sizes: number[] = [];
  underWay = 0;
  mostUnderWay = 0;
  before = () => {};
  after = async () => {};

  protected override async run(script: string, ...args: (string | number)[]): Promise<Reply[]> {
    if (script !== 'confirm_assignments') return super.run(script, ...args);
    this.sizes.push(args.length / 5);
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    try {
      this.before();
      const reply = await super.run(script, ...args);
      await this.after();
      return reply;
    } finally {
      this.underWay -= 1;
    }
  }
}

onBothRedis((s) => {
  const watched = () => new WatchedLedger(new Scripts(s.client, s.t.keys), () => s.t.clock.ms);

  /** So many rooms whose calls have ended. */
  async function called(count: number): Promise<Intent[]> {
    await s.t.desk.setMaxCustomers(1_000);
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    await s.arrive(...Array.from({ length: count }, (_, n) => allocation(`r${n}`)));
    const intents: Intent[] = [];
    for (let some = await s.take(); some.length > 0; some = await s.take()) intents.push(...some);
    expect(intents).toHaveLength(count);
    return intents;
  }
  const confirmAll = (ledger: Ledger, intents: Intent[]) =>
    Promise.all(
      intents.map((intent) => ledger.confirm(intent, 'confirmed').catch((error) => (error as Error).message)),
    );
  const outboxLength = () => s.client.xlen(s.t.keys.outbox);

  test('at most 64 by a script, one script at a time, each answered for itself', async () => {
    const ledger = watched();
    const intents = await called(150);
    const confirming = confirmAll(ledger, intents);
    expect(await confirming).toEqual(intents.map(() => 'done'));
    expect([ledger.sizes, ledger.mostUnderWay]).toEqual([[64, 64, 22], 1]);
    expect([await s.loadOf('a'), await s.loadOf('b'), await outboxLength()]).toEqual([75, 75, 0]);
    expect(await confirmAll(ledger, intents.slice(0, 1))).toEqual(['fenced']);
  });

  test('what comes while one is under way goes with the next, and not with one of its own', async () => {
    const ledger = watched();
    const intents = await called(20);
    const gate = Promise.withResolvers<void>();
    ledger.after = () => gate.promise;
    const first = ledger.confirm(intents[0] as Intent, 'confirmed');
    await until(() => ledger.underWay === 1, { what: 'the first on its way' });
    const others = confirmAll(ledger, intents.slice(1));
    await until(async () => (await s.stateOf('r0')) === 'assigned', { what: 'the first applied' });
    expect(ledger.sizes).toEqual([1]);
    gate.resolve();
    expect([await first, ...(await others)]).toEqual(intents.map(() => 'done'));
    expect(ledger.sizes).toEqual([1, 19]);
  });

  /** Reports while the record of this room or agent cannot be read; it is as before then. */
  async function damaged<T>(key: string, field: string, report: () => Promise<T>): Promise<T> {
    const kept = (await s.client.hgetBuffer(key, field)) ?? '';
    await s.client.hset(key, field, 'x');
    const said = await report();
    await s.client.hset(key, field, kept);
    return said;
  }

  test('a record that cannot be read fails its own reports alone, and leaves nothing half done', async () => {
    const ledger = watched();
    const intents = await called(6);
    const [first, late] = intents as [Intent, Intent];
    await s.t.ledger.refuse(late, 'late', 'close');
    const { rooms, agents } = s.t.keys;
    const failed = 'user_script';
    const words = await damaged(rooms, first.roomId, () => confirmAll(ledger, intents.slice(0, 3)));
    expect(words).toEqual([expect.stringContaining(failed), 'fenced', 'done']);
    const others = intents.slice(3);
    const byAgent = await damaged(agents, first.agentId, () => confirmAll(ledger, others));
    const isOf = ({ agentId }: Intent) => agentId === first.agentId;
    expect(byAgent).toEqual(others.map((one) => (isOf(one) ? expect.stringContaining(failed) : 'done')));
    // Its intent stays in the outbox, so that it is taken over if nobody makes the report again.
    const again = [first, ...others.filter(isOf)];
    expect(await outboxLength()).toBe(again.length);
    expect(await confirmAll(ledger, again)).toEqual(again.map(() => 'done'));
  });

  const other: [string, (intent: Intent) => Promise<string>][] = [
    ['refuse', (intent) => s.t.ledger.refuse(intent, 'no', 'later', s.t.clock.ms)],
    ['doubt', (intent) => s.t.ledger.refuse(intent, 'no', 'park', 0, true)],
    [
      'defer',
      (intent) =>
        s.t.ledger.defer(intent, 'no', { kind: 'unknown', sent: true, dueMs: s.t.clock.ms, pauseMs: 0, limit: 8 }),
    ],
  ];
  test.each(other)('so does another report: %s', async (_, report) => {
    const [intent] = (await called(1)) as [Intent];
    for (const [key, field] of [
      [s.t.keys.rooms, intent.roomId],
      [s.t.keys.agents, intent.agentId],
    ] as const) {
      expect(await damaged(key, field, () => report(intent).catch(() => 'failed'))).toBe('failed');
      expect(await outboxLength()).toBe(1);
    }
    expect(await report(intent)).toBe('done');
  });

  test('Redis gone before or after it ran: all that were sent fail, the next ones go on', async () => {
    const ledger = watched();
    const intents = await called(12);
    const lost = () => {
      throw new Error('Connection is closed.');
    };
    ledger.before = lost;
    expect(new Set(await confirmAll(ledger, intents.slice(0, 6)))).toEqual(new Set(['Connection is closed.']));
    ledger.before = () => {};
    ledger.after = async () => lost();
    expect(new Set(await confirmAll(ledger, intents.slice(6)))).toEqual(new Set(['Connection is closed.']));
    ledger.after = async () => {};
    await s.client.script('FLUSH');
    const words = await confirmAll(ledger, intents);
    expect(words).toEqual(intents.map((_, n) => (n < 6 ? 'done' : 'fenced')));
    expect((await s.loadOf('a')) ?? 0).toBe(6);
  });

  test('what is sent when it says that it is on its way comes after it', async () => {
    const ledger = watched();
    const [first, second] = (await called(2)) as [Intent, Intent];
    // A script that the server does not know yet is sent twice.
    await ledger.confirm(first, 'confirmed');
    await s.stateOf(first.roomId);
    let seen: Promise<string | undefined> | undefined;
    await ledger.confirm(second, 'confirmed', () => {
      seen = s.stateOf(second.roomId);
    });
    expect(await seen).toBe('assigned');
  });
});
