/**
 * The connections to Redis fail in every way but the clean one: silent, half open, cut before a request or after it.
 * Each of the service's connections alone, then all of them, under load. Twenty times as many cuts with PROOF_SIZE=full.
 */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { loadScript } from '../../src/redis/scripts';
import { tried } from '../support/evidence';
import { type ProxiedRedis, startProxiedRedis } from '../support/proxied-redis';
import { isFullSize, sized } from '../support/size';
import { expectCalm, openStage, type Stage } from '../support/trouble';
import { until } from '../support/wait';

let redis: ProxiedRedis;
let stage: Stage;
beforeEach(async () => {
  redis = await startProxiedRedis('standalone');
  stage = await openStage(redis.url);
});
afterEach(async () => {
  await stage.stop();
  await redis.stop();
});

/** How soon consumption must resume, ms. */
const RESUMES_WITHIN_MS = 10_000;

describe.each(['half_open', 'mute'] as const)('a connection is %s', (kind) => {
  test('[F03 F04] that of the webhooks: refused in time, and none is written later', async () => {
    const before = await stage.api.allocate('before');
    expect(before.status).toBeLessThan(300);
    redis.proxy.fail({ kind }, { purpose: 'ingest' });
    for (let i = 0; i < sized(20, 200); i++) {
      const begunMs = performance.now();
      const { status, body } = await stage.api.allocate(`silent-${i}`);
      expect([status, body.code]).toEqual([503, 'STORE_UNAVAILABLE']);
      expect(performance.now() - begunMs).toBeLessThan(1_000);
    }
    redis.proxy.heal();
    await until(async () => (await stage.api.allocate('after')).status < 300, {
      what: 'a webhook taken in again',
      withinMs: RESUMES_WITHIN_MS,
    });
    await until(async () => (await stage.api.room('after')).state !== undefined, { what: 'it was applied' });
    // Half open, Redis never saw them; nothing may have kept them for later.
    if (kind === 'half_open') {
      for (let i = 0; i < 20; i++) expect((await stage.api.room(`silent-${i}`)).code).toBe('ROOM_UNKNOWN');
    }
  }, 60_000);

  // Each takes a while: in the reduced size one of them for each kind of silence.
  const purposes = [
    ['[F03] that for commands', 'command'],
    ['[F03 F23] that of the doorbell', 'bell'],
  ] as const;
  test.each(isFullSize ? purposes : purposes.filter((_, n) => n === (kind === 'mute' ? 0 : 1)))(
    '%s: it is replaced, and chats are served again within ten seconds',
    async (_, purpose) => {
      const day = await stage.day(`${kind}-${purpose}`);
      redis.proxy.fail({ kind }, { purpose });
      // Long enough that no time-out of the first connection is what ends it.
      await Bun.sleep(sized(500, 3_000));
      redis.proxy.heal();
      const healedMs = performance.now();
      const assigned = () => stage.sandbox.state().assigns.length;
      const then = assigned();
      await until(() => assigned() > then + 5, { what: 'chats served again', withinMs: RESUMES_WITHIN_MS });
      console.log(`${kind}, ${purpose}: served again after ${Math.round(performance.now() - healedMs)} ms`);
      await expectCalm(stage, day);
    },
    60_000,
  );

  test.skipIf(kind === 'mute' && !isFullSize)(
    '[F03] all of them',
    async () => {
      const day = await stage.day(`${kind}-all`);
      redis.proxy.fail({ kind });
      await until(() => (day.answers.get(503) ?? 0) > 20, { what: 'webhooks refused' });
      await until(async () => (await stage.failing())?.includes('redis'), { what: 'the service not ready' });
      redis.proxy.heal();
      await expectCalm(stage, day);
    },
    60_000,
  );
});

describe('cut under load', () => {
  const cuts = sized(10, 200);
  const scripts = [
    ['F42', 'take_entries'],
    ['F42', 'take_intents'],
    ['F41', 'confirm_assignments'],
    ['F42', 'advance_clock'],
  ] as const;

  test.each(scripts)(
    '[%s] after %s was run, before its reply',
    async (hazard, name) => {
      const day = await stage.day(name.replace('_', '-'));
      for (let i = 0; i < cuts; i++) {
        const before = redis.proxy.cuts;
        redis.proxy.fail({ kind: 'cut_after', bytes: 0 }, { request: loadScript(name).sha, times: 1 });
        await until(() => redis.proxy.cuts > before, { what: `the reply of ${name} cut`, withinMs: 20_000 });
      }
      redis.proxy.heal();
      await expectCalm(stage, day);
      tried(cuts, hazard);
    },
    180_000,
  );

  test.each(['cut_before', 'cut_after'] as const)(
    'any connection, %s',
    async (kind) => {
      const day = await stage.day(kind.replace('_', '-'));
      for (let i = 0; i < cuts; i++) {
        const before = redis.proxy.cuts;
        redis.proxy.fail({ kind, bytes: 0 }, { request: '\r\n', times: 1 });
        await until(() => redis.proxy.cuts > before, { what: 'a connection cut', withinMs: 20_000 });
        await day.more(1);
      }
      redis.proxy.heal();
      await expectCalm(stage, day);
    },
    180_000,
  );
});

test('[F22] nothing waits in a read: an idle service holds up no command', async () => {
  const list = String(await redis.node.admin.client('LIST'));
  const ours = list.split('\n').filter((line) => /name=agent-allocation-/.test(line));
  const purposes = ours.map((line) => /name=agent-allocation-(\w+)/.exec(line)?.[1]).sort();
  expect(purposes.filter((purpose) => purpose === 'bell').length).toBe(1);
  // `b`: blocked in a command.
  expect(ours.filter((line) => /flags=\w*b/.test(line))).toEqual([]);
  for (let i = 0; i < 100; i++) {
    const begunMs = performance.now();
    expect((await stage.api.get('/settings/max_customers')).status).toBe(200);
    expect(performance.now() - begunMs).toBeLessThan(1_000);
  }
}, 30_000);
