/**
 * Redis forgets things under load: its scripts, a consumer group, a stream. The service makes them anew and goes on.
 * Its scripts 60 times; 1,000 times with PROOF_SIZE=full.
 */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { keysOf } from '../../src/redis/keys';
import { tried } from '../support/evidence';
import { type RedisNode, startNode } from '../support/redis-node';
import { APP_ID } from '../support/service';
import { sized } from '../support/size';
import { expectCalm, LIMIT, openStage, type Stage } from '../support/trouble';
import { until } from '../support/wait';

const KEYS = keysOf(APP_ID);
let redis: RedisNode;
let stage: Stage;
beforeEach(async () => {
  redis = await startNode({ settings: { appendonly: 'yes', save: '' } });
  stage = await openStage(`redis://127.0.0.1:${redis.port}`);
});
afterEach(async () => {
  await stage.stop();
  await redis.stop();
});

test('[F46] its scripts are flushed every 50 ms', async () => {
  const day = await stage.day('flush');
  const flushes = sized(60, 1_000);
  for (let i = 0; i < flushes; i++) {
    await redis.admin.script('FLUSH');
    await Bun.sleep(50);
  }
  expect(day.answers.get(503) ?? 0).toBe(0);
  await expectCalm(stage, day);
  tried(flushes, 'F46');
}, 120_000);

describe('a consumer group is gone', () => {
  test.each([
    ['inbox', 'ledger'],
    ['outbox', 'dispatch'],
  ] as const)(
    '[F18] of the %s, under load, twenty times',
    async (noun, group) => {
      const day = await stage.day(`group-${noun}`);
      for (let i = 0; i < 20; i++) {
        expect(await redis.admin.xgroup('DESTROY', KEYS[noun], group)).toBe(1);
        await day.more(10);
        const back = async () => JSON.stringify(await redis.admin.xinfo('GROUPS', KEYS[noun])).includes(group);
        await until(back, { what: 'the group there again' });
      }
      await expectCalm(stage, day);
      tried(20, 'F18');
    },
    120_000,
  );
});

test('[F18] the group of a thousand waiting webhooks is gone: none of them is skipped', async () => {
  const rooms = Array.from({ length: 1_000 }, (_, n) => `waiting-${n}`);
  for (const roomId of rooms) await stage.sandbox.rooms.create({ roomId, copies: 0 });
  // In one step, so that no worker sees the inbox before its group is gone.
  const all = redis.admin.multi().xgroup('DESTROY', KEYS.inbox, 'ledger');
  for (const room of rooms) all.xadd(KEYS.inbox, '*', 'kind', 'allocation', 'room', room, 'request', `r-${room}`);
  await all.exec();
  const full = async () => (await stage.api.get('/queue')).body.total === rooms.length - 6 * LIMIT;
  await until(full, { what: 'every agent full and all others in line' });
}, 60_000);

test('[F18] everything is gone, as when Redis comes back without its data: new rooms get agents all the same', async () => {
  await stage.restart({ RECONCILE_SECONDS: '1' });
  expect((await stage.api.allocate('before')).status).toBeLessThan(300);
  for (const n of [1, 2, 3]) {
    await redis.admin.flushall();
    // No webhook comes to find out that the groups are gone.
    await stage.sandbox.rooms.create({ roomId: `unseen-${n}`, copies: 0 });
    const served = async () => (await stage.api.room(`unseen-${n}`)).state === 'assigned';
    await until(served, { what: 'a room that no webhook told of assigned', withinMs: 15_000 });
    expect((await stage.api.get('/settings/max_customers')).body.max_customers).toBe(LIMIT);
    await redis.admin.flushall();
    expect((await stage.api.allocate(`seen-${n}`)).status).toBeLessThan(300);
    await until(async () => (await stage.api.room(`seen-${n}`)).state === 'assigned', { what: 'assigned' });
  }
}, 60_000);

describe('a stream is deleted', () => {
  test('[F19] the inbox, under a worker that waits for it', async () => {
    for (let i = 0; i < 10; i++) {
      await redis.admin.del(KEYS.inbox);
      const { status } = await stage.api.allocate(`after-${i}`);
      expect(status).toBeLessThan(300);
      await until(async () => (await stage.api.room(`after-${i}`)).state === 'assigned', { what: 'assigned' });
    }
    tried(10, 'F19');
  }, 60_000);

  test('[F18] the journal, under load', async () => {
    const day = await stage.day('journal');
    for (let i = 0; i < 10; i++) {
      await redis.admin.del(KEYS.journal);
      await day.more(20);
    }
    await expectCalm(stage, day);
  }, 60_000);

  test('[F18] the outbox, under load: the rooms that waited for their call are called all the same', async () => {
    const day = await stage.day('outbox');
    for (let i = 0; i < 10; i++) {
      await redis.admin.del(KEYS.outbox);
      await day.more(20);
    }
    await expectCalm(stage, day);
  }, 60_000);
});
