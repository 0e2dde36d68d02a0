/**
 * A real cluster of three nodes: one holds all keys of the app. It is killed and comes back, and the app's slot moves to
 * another node and back, key by key, all under load. Twice; twenty times with PROOF_SIZE=full.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { type Keys, keysOf } from '../../src/redis/keys';
import { tried } from '../support/evidence';
import { type RedisCluster, startCluster } from '../support/redis-cluster';
import { APP_ID } from '../support/service';
import { sized } from '../support/size';
import { expectCalm, openStage, type Stage } from '../support/trouble';
import { until } from '../support/wait';

const ROUNDS = sized(2, 20);
const KEYS: Keys = keysOf(APP_ID);
let cluster: RedisCluster;
let stage: Stage;

beforeAll(async () => {
  cluster = await startCluster(3, { settings: { appendonly: 'yes', save: '', 'maxmemory-policy': 'noeviction' } });
  await cluster.whole();
}, 60_000);
beforeEach(async () => {
  for (const { admin } of cluster.nodes) await admin.flushall();
  stage = await openStage(`redis+cluster://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`);
});
afterEach(() => stage.stop());
afterAll(() => Promise.all(cluster.nodes.map((node) => node.stop())));

test('[F63] all keys of a running app lie in one slot, on the node that owns it', async () => {
  const day = await stage.day('slots');
  const owner = await cluster.ownerOf(KEYS.inbox);
  const slots = await Promise.all(Object.values(KEYS).map((key) => owner.admin.cluster('KEYSLOT', key)));
  expect(new Set(slots).size).toBe(1);
  for (const node of cluster.nodes) {
    const names = await node.admin.keys('*');
    if (node !== owner) expect(names).toEqual([]);
    else for (const name of names) expect(Object.values(KEYS)).toContain(name);
  }
  await expectCalm(stage, day);
}, 60_000);

test('[F63] the node that owns the keys is killed and comes back', async () => {
  const day = await stage.day('owner');
  for (let i = 0; i < ROUNDS; i++) {
    const owner = await cluster.ownerOf(KEYS.inbox);
    const refused = day.answers.get(503) ?? 0;
    await owner.kill('SIGKILL');
    await until(() => (day.answers.get(503) ?? 0) > refused + 20, { what: 'webhooks refused' });
    await owner.restart();
    await cluster.whole();
    await day.more(20, 15_000);
  }
  await expectCalm(stage, day);
}, 240_000);

test("[F64] the app's slot moves to another node under load", async () => {
  const day = await stage.day('moving');
  for (let i = 0; i < ROUNDS; i++) {
    const from = await cluster.ownerOf(KEYS.inbox);
    const to = cluster.nodes[(cluster.nodes.indexOf(from) + 1) % cluster.nodes.length];
    if (!to) throw new Error('there is no other node');
    const answered = () => [...day.answers.values()].reduce((sum, count) => sum + count, 0);
    const moved = await cluster.moveSlot(KEYS.inbox, to, async () => {
      const goal = answered() + 10;
      await until(() => answered() >= goal, { what: 'ten webhooks answered, well or not, with the slot halved' });
    });
    expect(moved).toBeGreaterThan(5);
    expect(await cluster.ownerOf(KEYS.inbox)).toBe(to);
    await day.more(50, 15_000);
  }
  console.log(`answers while the slot moved: ${JSON.stringify(Object.fromEntries(day.answers))}`);
  await expectCalm(stage, day);
  tried(ROUNDS, 'F64');
}, 240_000);
