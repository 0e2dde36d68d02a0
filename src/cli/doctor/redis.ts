/**
 * Redis, as the service would find it: reachable, safe, durable, with room, with a clock like ours.
 *
 * 1. What "durable" means is asked of src/redis/durability.ts, as at every start.
 * 2. The private Redis is asked only while a service runs it, over its socket; nothing is started, locked or written.
 *
 * Opens one connection and closes it.
 */
import { join } from 'node:path';
import type { Config } from '../../config';
import { CLI_SCRIPT } from '../../redis/cli-script';
import { addressOf, close, connect, mastersOf, type RedisAddress, type RedisClient } from '../../redis/client';
import { inspectNode, NODE_OF_CLUSTER, remedyOf, TOO_OLD } from '../../redis/durability';
import { askRedis } from '../../redis/server';
import { NEARLY_FULL, readMemory } from '../../redis/store';
import { broken, clockFinding, type Finding, ok, warning } from './finding';

const AREA = 'Redis';
const CONNECT_WITHIN_MS = 3_000;
/** What a socket's path may be long. */
const SOCKET_PATH_BYTES = 100;

export async function checkRedis(config: Config, nowMs: () => number): Promise<Finding[]> {
  const { url } = config.redis;
  return url === null ? checkPrivate(config, nowMs) : checkAt(url, config, nowMs);
}

async function checkPrivate(config: Config, nowMs: () => number): Promise<Finding[]> {
  const path = join(config.dataDir, 'redis', 'redis.sock');
  const reply = Buffer.byteLength(path) > SOCKET_PATH_BYTES ? null : await askRedis({ path }, 'PING');
  if (reply === null) {
    const program = ['redis-server', 'valkey-server'].find((name) => Bun.which(name) !== null);
    const where =
      program === undefined ? 'none is installed: the service fetches one at its start' : `${program} is installed`;
    return [ok(AREA, `private, and no service runs it now; it is durable by its own settings (${where})`)];
  }
  if (reply !== '+PONG')
    return [
      warning(
        AREA,
        'the private Redis does not answer yet',
        'It may be loading its data: ask again in a minute. If it stays so, restart the service.',
      ),
    ];
  return [
    ok(AREA, `private; \`${join(config.dataDir, 'redis', CLI_SCRIPT)}\` talks to it`),
    ...(await checkAt(path, config, nowMs)),
  ];
}

async function checkAt(address: RedisAddress, config: Config, nowMs: () => number): Promise<Finding[]> {
  let client: RedisClient;
  try {
    client = await connect(address, 'command', CONNECT_WITHIN_MS);
  } catch (error) {
    const reason = error instanceof Error ? (/\((.*)\)$/.exec(error.message)?.[1] ?? 'no answer') : 'no answer';
    const mend = 'Check REDIS_URL (host, port, user, password, TLS) and that Redis runs and lets this machine in.';
    return [broken(AREA, `cannot be reached: ${reason}`, mend)];
  }
  try {
    const masters = mastersOf(client);
    const form = masters[0] !== client ? [ok(AREA, `a cluster with ${masters.length} masters`)] : [];
    const nodes = await Promise.all(masters.map((node) => checkNode(node, node === client, config, nowMs)));
    return [...form, ...nodes.flat()];
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'no answer';
    return [
      broken(AREA, `does not answer as it should: ${reason}`, 'Look into its log; its user must be allowed INFO.'),
    ];
  } finally {
    close(client);
  }
}

async function checkNode(node: RedisClient, isAlone: boolean, config: Config, nowMs: () => number): Promise<Finding[]> {
  const area = isAlone ? AREA : `${AREA} ${addressOf(node)}`;
  const report = await inspectNode(node);
  if (isAlone && report.isClusterNode) return [broken(area, NODE_OF_CLUSTER, 'Change the form of REDIS_URL.')];
  if (report.isTooOld) return [broken(area, `${report.version}. ${TOO_OLD}`, 'Update it.')];
  const found: Finding[] = [
    report.safer === null
      ? ok(area, report.version)
      : warning(area, `${report.version} has known holes in its Lua`, `Update it to ${report.safer} or newer.`),
  ];
  // As at the start: in production, unless it was accepted, the service refuses.
  const isRefused = config.production && !config.redis.allowWeakDurability;
  for (const { name, found: is, wanted } of report.weak) {
    const mend = remedyOf({ name, wanted }) + (isRefused ? ' Or accept it with ALLOW_WEAK_DURABILITY=true.' : '');
    found.push(
      (isRefused ? broken : warning)(
        area,
        `${name} is ${is}: ${LOSES[name] ?? 'it may lose what was acknowledged'}`,
        mend,
      ),
    );
  }
  for (const name of report.untold)
    found.push(
      warning(
        area,
        `does not tell its ${name}`,
        'Check it yourself: appendonly yes, appendfsync always, maxmemory-policy noeviction.',
      ),
    );
  if (report.weak.length + report.untold.length === 0)
    found.push(ok(area, 'keeps what it acknowledges (AOF, always synced, no eviction)'));
  return [
    ...found,
    await memoryOf(area, node),
    ...(await replicasOf(area, node, config)),
    await clockOf(area, node, nowMs),
  ];
}

const LOSES: Record<string, string> = {
  appendonly: 'a restart loses everything',
  appendfsync: 'a power cut loses what was acknowledged last',
  'maxmemory-policy': 'it may delete the ledger when memory is short',
};

const MB = 2 ** 20;

async function memoryOf(area: string, node: RedisClient): Promise<Finding> {
  const { used, most } = await readMemory(node);
  const mb = (bytes: number) => `${Math.ceil(bytes / MB).toLocaleString('en')} MB`;
  if (most === 0)
    return warning(
      area,
      `uses ${mb(used)} and has no maxmemory: nobody notices when it takes all of the machine's`,
      'Run `redis-cli -u "$REDIS_URL" config set maxmemory 2gb`, or what it may take, and write `maxmemory 2gb` into redis.conf.',
    );
  const what = `uses ${mb(used)} of ${mb(most)}`;
  return used > NEARLY_FULL * most
    ? broken(
        area,
        `${what}: new chats are refused above ${NEARLY_FULL * 100} %`,
        'Give it more memory (maxmemory), or lower JOURNAL_DAYS.',
      )
    : ok(area, what);
}

async function replicasOf(area: string, node: RedisClient, { redis: { minReplicas } }: Config): Promise<Finding[]> {
  if (minReplicas === 0) return [];
  const connected = Number(/^connected_slaves:(\d+)/m.exec(await node.info('replication'))?.[1] ?? 0);
  const what = `${connected} replicas are connected, REDIS_MIN_REPLICAS is ${minReplicas}`;
  return [
    connected < minReplicas
      ? broken(area, `${what}: every webhook is refused`, 'Bring the replicas back, or lower REDIS_MIN_REPLICAS.')
      : ok(area, what),
  ];
}

async function clockOf(area: string, node: RedisClient, nowMs: () => number): Promise<Finding> {
  const beforeMs = nowMs();
  // The service does without it, so its user may not be allowed to ask.
  const time = await node.time().catch(() => null);
  if (time === null)
    return warning(area, 'does not tell its time', 'Allow its user TIME, or check its clock yourself.');
  const [seconds = 0, micros = 0] = time.map(Number);
  const afterMs = nowMs();
  return clockFinding(area, seconds * 1_000 + micros / 1_000 - (beforeMs + afterMs) / 2, (afterMs - beforeMs) / 2);
}
