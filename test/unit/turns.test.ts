/** Turns between apps: whoever comes waits for one batch of each app before it, and never for a Redis that is silent. */
import { expect, test } from 'bun:test';
import { Turns } from '../../src/ledger/turns';

/** Runs `batches` jobs of one app in a row, as its applier does; notes each in `order`. */
async function app(turns: Turns, name: string, batches: number, order: string[]): Promise<void> {
  for (let i = 0; i < batches; i++) {
    await turns.take(async () => {
      order.push(name);
      await new Promise((resolve) => setImmediate(resolve));
    });
  }
}

test('a job runs in the very call that brought it when nobody is before it', () => {
  const order: string[] = [];
  void app(new Turns(1), 'a', 1, order);
  expect(order).toEqual(['a']);
});

test.each([1, 2, 3])('%i at a time: a quiet app waits for one batch of each flooded one', async (jobsAtOnce) => {
  const turns = new Turns(jobsAtOnce);
  const order: string[] = [];
  const names = ['a', 'b', 'c', 'd', 'e'];
  const floods = names.map((name) => app(turns, name, 100, order));
  while (order.length < 50) await new Promise((resolve) => setImmediate(resolve));
  const before = order.length;
  await app(turns, 'quiet', 1, order);
  expect(order.indexOf('quiet') - before).toBeLessThanOrEqual(names.length);
  // Each in its turn, none twice before the others.
  const shares = names.map((name) => order.filter((one) => one === name).length);
  expect(Math.max(...shares)).toBeLessThan(100);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  await Promise.all(floods);
  expect(order.length).toBe(501);
});

test('no more jobs at once than there are turns, also after some failed', async () => {
  const turns = new Turns(2);
  let underWay = 0;
  let most = 0;
  const job = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await Bun.sleep(0);
    underWay -= 1;
    throw new Error('failed');
  };
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => turns.take(job)));
  expect(all.every(({ status }) => status === 'rejected')).toBe(true);
  expect(most).toBe(2);
});

test('jobs without an answer give their turns on', async () => {
  const turns = new Turns(2);
  for (let i = 0; i < 6; i++) void turns.take(() => new Promise(() => {}));
  expect(await turns.take(async () => 'served')).toBe('served');
});
