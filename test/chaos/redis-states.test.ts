/**
 * Redis is there but cannot serve: it loads, its disk or its memory is full, it became a replica, it knows our password no
 * more, it stands still. Webhooks are refused in time, and when it can again everything goes on by itself.
 * Once each; ten times with PROOF_SIZE=full.
 */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { tried } from '../support/evidence';
import { HOST, type NodeOptions, type RedisNode, startNode } from '../support/redis-node';
import { sized } from '../support/size';
import { expectCalm, openStage, type Stage } from '../support/trouble';
import { until } from '../support/wait';

const ROUNDS = sized(1, 10);
let redis: RedisNode;
let stage: Stage;

async function start(options: NodeOptions = {}): Promise<void> {
  const settings = { appendonly: 'yes', save: '', 'maxmemory-policy': 'noeviction', ...options.settings };
  redis = await startNode({ ...options, settings });
  stage = await openStage(`redis://${HOST}:${redis.port}`);
}
afterEach(async () => {
  await stage.stop();
  await redis.stop();
});

/** The day goes on while `trouble` lasts: refused webhooks are what must be seen of it, and then none of it. */
async function throughTrouble(name: string, trouble: () => Promise<unknown>, over: () => Promise<unknown>) {
  const day = await stage.day(name);
  for (let round = 0; round < ROUNDS; round++) {
    const refusedBefore = day.answers.get(503) ?? 0;
    await trouble();
    await until(() => (day.answers.get(503) ?? 0) >= refusedBefore + 50, { what: 'fifty webhooks refused' });
    await over();
    await day.more(20, 10_000);
  }
  await expectCalm(stage, day);
}

test('[F05] the disk is full: what the append-only file cannot take is refused', async () => {
  // A limit to the size of its files fails its writes as a full disk would, whoever runs this test.
  await start({ before: "trap '' XFSZ" });
  const limit = async (bytes: string) => {
    const { exitCode, stderr } = Bun.spawnSync(['prlimit', '--pid', String(redis.pid), `--fsize=${bytes}:unlimited`]);
    if (exitCode !== 0) throw new Error(stderr.toString());
  };
  await throughTrouble(
    'disk',
    async () => {
      await limit('1');
      const refused = await until(() => redis.admin.set('probe', '1').then(() => null, String), { what: 'MISCONF' });
      expect(refused).toContain('MISCONF');
      await until(async () => (await stage.failing())?.includes('redis'), { what: 'the service not ready' });
    },
    () => limit('unlimited'),
  );
  tried(ROUNDS, 'F05');
}, 120_000);

test('[F06] its memory is full: no new chats, chats end, and the line moves', async () => {
  await start();
  const used = async () => Number(/used_memory:(\d+)/.exec(await redis.admin.info('memory'))?.[1]);
  await throughTrouble(
    'memory',
    async () => redis.admin.config('SET', 'maxmemory', String(Math.round((await used()) / 2))),
    () => redis.admin.config('SET', 'maxmemory', '0'),
  );
  tried(ROUNDS, 'F06');
}, 120_000);

test('[F60] it was made a replica: READONLY', async () => {
  await start();
  await throughTrouble(
    'replica',
    // Of nobody: it keeps its data, and takes in nothing.
    () => redis.admin.replicaof(HOST, '1'),
    () => redis.admin.replicaof('NO', 'ONE'),
  );
}, 120_000);

test('[F02] it is killed', async () => {
  await start();
  await throughTrouble(
    'killed',
    () => redis.kill('SIGKILL'),
    () => redis.restart(),
  );
}, 120_000);

test('[F07] it loads its data: not ready, and refused, until it has', async () => {
  // Real loading, made slow: a pause per command of the file. Redis looks at its sockets once in 1,024 commands, so there
  // are some thousands.
  await start({ settings: { 'key-load-delay': '300' } });
  const filling = redis.admin.pipeline();
  for (let i = 0; i < 10_000; i++) filling.set('probe', '0');
  await filling.exec();
  const seen = new Set<string>();
  await throughTrouble(
    'loading',
    async () => {
      await redis.kill('SIGKILL');
      const back = redis.restart();
      const probe = new Redis({ host: HOST, port: redis.port, enableReadyCheck: false, maxRetriesPerRequest: null });
      probe.on('error', () => undefined);
      for (let loading = true; loading; ) {
        const answer = await probe.set('probe', '1').catch(String);
        if (answer?.includes('LOADING')) {
          seen.add('LOADING');
          for (const part of (await stage.failing()) ?? []) seen.add(part);
        }
        loading = answer !== 'OK';
      }
      probe.disconnect();
      await back;
      expect([...seen]).toEqual(['LOADING', 'redis']);
    },
    async () => undefined,
  );
}, 120_000);

test('[F03] it stands still for seconds', async () => {
  await start();
  await throughTrouble(
    'still',
    async () => {
      await redis.kill('SIGSTOP');
      await Bun.sleep(sized(2_000, 5_000));
    },
    () => redis.kill('SIGCONT'),
  );
}, 120_000);

describe('[F69] it knows us no more', () => {
  const PASSWORD = 'password-that-was-good';
  const setUser = (...rules: string[]) => redis.admin.call('ACL', 'SETUSER', 'app', ...rules);
  const notReady = () =>
    until(async () => (await stage.failing())?.includes('redis'), { what: 'the service not ready' });
  beforeEach(async () => {
    redis = await startNode({ settings: { appendonly: 'yes', save: '' } });
    await setUser('on', `>${PASSWORD}`, '~caa:*', '+@all');
    stage = await openStage(`redis://app:${PASSWORD}@${HOST}:${redis.port}`);
  });

  test('the password was changed, and connections cut', async () => {
    await throughTrouble(
      'password',
      async () => {
        await setUser('resetpass', '>another-password');
        await redis.admin.call('CLIENT', 'KILL', 'USER', 'app');
        await notReady();
      },
      () => setUser('resetpass', `>${PASSWORD}`),
    );
    tried(ROUNDS, 'F69');
  }, 120_000);

  test('its rights were taken away, and came back', async () => {
    await throughTrouble(
      'rights',
      async () => {
        await setUser('-@all');
        await notReady();
        expect(await stage.api.get('/agents')).toMatchObject({ status: 503, body: { code: 'STORE_UNAVAILABLE' } });
      },
      () => setUser('+@all'),
    );
    tried(ROUNDS, 'F69');
  }, 120_000);
});
