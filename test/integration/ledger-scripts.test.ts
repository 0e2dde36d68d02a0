/**
 * What every script keeps to: nonsense changes nothing, and more agents are not more work.
 * PROOF_SIZE=full: 1,000 calls with random arguments per script, else 60; JUNK_CALLS says another number, JUNK_SEED other
 * arguments than in every build.
 */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Scripts, scriptNames } from '../../src/redis/scripts';
import { readBooks } from '../support/books';
import { tried } from '../support/evidence';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { sized } from '../support/size';

const CALLS = sized(60, 1_000, 'JUNK_CALLS');

const SEED = Number(process.env.JUNK_SEED ?? 1);

const junk = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e999',
    'nan',
    'room',
    '1',
    '2',
    'a',
    'new',
    'pending',
    '*',
    '0-0',
    '99999999999999999999',
  ),
  fc.string({ maxLength: 20 }),
  fc.integer().map(String),
);

onBothRedis((s) => {
  const { arrive, confirmAll } = s;

  describe('a script that raises', () => {
    beforeEach(async () => {
      await s.t.roster([{ id: 'a' }, { id: 'b', channels: ['10'] }]);
      await arrive(
        ...['1', '2', '3', '4', '5', '6'].map((room) => allocation(room, { channelId: room > '3' ? '10' : null })),
      );
      await confirmAll();
      await arrive(resolved('1'), allocation('7'));
      await s.send(allocation('8'), resolved('2'));
    });

    // Nonsense that a script takes for sense may forget a room: nothing is asked of those.
    afterEach(() => s.known.clear());

    test.each(scriptNames())(
      '[F45] %s has changed nothing',
      async (name) => {
        const scripts = new Scripts(s.client, s.t.keys);
        // What was handed out to be applied is read again: the one thing that reading an inbox changes.
        const state = async () => {
          const { inbox, ...books } = await readBooks(s.client, s.t.keys);
          return { ...books, inbox: inbox.entries };
        };
        let raised = 0;
        await fc.assert(
          fc.asyncProperty(fc.boolean(), fc.array(junk, { maxLength: 13 }), async (timely, args) => {
            const before = await state();
            const failed = await scripts.run(name, ...(timely ? [s.t.clock.ms] : []), ...args).then(
              () => false,
              () => true,
            );
            if (!failed) return;
            raised += 1;
            expect(await state()).toEqual(before);
          }),
          { numRuns: CALLS, seed: SEED },
        );
        expect(raised).toBeGreaterThan(0);
        tried(raised, 'F45');
      },
      30_000 + CALLS * 100,
    );
  });

  test('[F45] a number that is none is refused by its place', async () => {
    const scripts = new Scripts(s.client, s.t.keys);
    const answer = scripts.run('set_max_customers', s.t.clock.ms, '5', 'nan').catch(String);
    expect(await answer).toContain('ARGV[3] is not a number');
  });

  test('[F47] giving out a room takes as many commands with 3,000 agents as with 10', async () => {
    const roster = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `agent-${i}` }));
    const commands = async () => {
      const found = [...String(await s.client.call('INFO', 'commandstats')).matchAll(/cmdstat_(\w+):calls=(\d+)/g)];
      return found.filter(([, name]) => name !== 'info').reduce((sum, [, , calls]) => sum + Number(calls), 0);
    };
    const cost = async (room: string) => {
      const before = await commands();
      await arrive(allocation(room));
      return (await commands()) - before;
    };
    await s.t.roster(roster(10));
    await cost('warm');
    const few = await cost('few');
    await s.t.roster(roster(3_000));
    expect(await s.t.desk.listAgents()).toHaveLength(3_000);
    expect(await cost('many')).toBe(few);
  });
});
