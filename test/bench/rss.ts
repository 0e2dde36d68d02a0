/**
 * Does the service's memory stay flat? One process, role `all`, takes webhooks as fast as it applies them.
 *
 * 1. Chats begin and end for the same 20,000 rooms again and again, and no agent is online: what Redis holds is bounded,
 *    so whatever grows is the service.
 * 2. Every reply waits for its outcome: the sender never runs ahead of the ledger.
 * 3. The middle of the second fifth of the looks against that of the last fifth; the first fifth is warm-up.
 */
import { readFileSync } from 'node:fs';
import { startTestRedis } from '../support/redis';
import { APP_ID, environment, spawnService, startTestSandbox, WEBHOOK_TOKEN } from '../support/service';
import { median, type Reading } from './measure';
import { type Order, type Result, ROOM } from './poster';
import { startChild } from './processes';

const ROOMS = 20_000;
/** See webhook.ts. */
const MOST_REFUSED = 0.05;
const HOOKS = '/api/v1/webhook';
const WEBHOOK = { app_id: APP_ID, room_id: ROOM };
const REQUESTS = [
  { path: `${HOOKS}/agent_allocation/${WEBHOOK_TOKEN}`, body: { ...WEBHOOK, message: 'Hello', customer_id: '67890' } },
  { path: `${HOOKS}/mark_as_resolved/${WEBHOOK_TOKEN}`, body: { ...WEBHOOK, agent_id: 'agent_01' } },
].map(({ path, body }) => ({ path, body: JSON.stringify(body) }));

/** Resident memory, MB: from /proc, or what `ps` says where there is none. */
function rssMb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
  } catch {
    return Number(Bun.spawnSync(['ps', '-o', 'rss=', '-p', String(pid)]).stdout.toString()) / 1_024;
  }
}

/** @param say gets a word every now and then: ten million take half an hour */
export async function measureRss(id: 'rss.short' | 'rss.long', webhooks: number, say: (line: string) => void) {
  const redis = await startTestRedis();
  const sandbox = await startTestSandbox();
  for (const { id: agent } of sandbox.agents.list()) sandbox.agents.remove(agent);
  const poster = await startChild<Order, Result>('poster.ts');
  const service = await spawnService(environment(redis.url, sandbox.url, { JOURNAL_MAX_ENTRIES: '10000' }));
  try {
    const port = Number(new URL(service.url).port);
    const looks: { sent: number; mb: number }[] = [];
    const startMs = performance.now();
    let refusals = 0;
    for (let [sent, told] = [0, 0]; sent < webhooks; ) {
      const order = { port, requests: REQUESTS, cycle: ROOMS, connections: 64, runMs: webhooks > 1e6 ? 5_000 : 500 };
      const { accepted, refused } = await poster.ask(order);
      sent += accepted;
      refusals += refused;
      looks.push({ sent, mb: rssMb(service.pid) });
      if (sent - told < 1e6) continue;
      told = sent;
      say(`${(sent / 1e6).toFixed(1)} million webhooks: ${rssMb(service.pid).toFixed(0)} MB`);
    }
    if (refusals > webhooks * MOST_REFUSED) throw new Error(`${refusals} webhooks were refused`);
    const fifth = (nth: number) =>
      looks.filter(({ sent }) => sent > (webhooks * (nth - 1)) / 5 && sent <= (webhooks * nth) / 5 + webhooks / 50);
    const middle = (nth: number, key: 'mb' | 'sent') => median(fifth(nth).map((look) => look[key]));
    const [measured, baseline] = [middle(5, 'mb'), middle(2, 'mb')];
    const bytes = ((measured - baseline) * 1_048_576) / (middle(5, 'sent') - middle(2, 'sent'));
    const perSecond = Math.round(((looks.at(-1)?.sent ?? 0) * 1_000) / (performance.now() - startMs));
    const note = `${bytes.toFixed(1)} bytes a webhook from the second fifth to the last; ${perSecond} webhooks/s`;
    return [{ id, measured, baseline, ratio: measured / baseline, note }] satisfies Reading[];
  } finally {
    await service.kill('SIGTERM');
    await poster.stop();
    await sandbox.stop();
    await redis.stop();
  }
}
