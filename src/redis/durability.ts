/**
 * May this Redis keep what was acknowledged? Asked at every start, and by the doctor.
 *
 * 1. `inspectNode` reads what one server is; of a cluster, ask it for every master. It changes nothing.
 * 2. `checkDurability` refuses (in production) or warns when Redis may lose or evict what was acknowledged; it warns when
 *    the server is known to be unsafe.
 */
import type { Logger } from 'pino';
import { ConfigError } from '../config';
import { ServiceError } from '../errors';
import { mastersOf, type RedisClient } from './client';

/** What each setting must be for "acknowledged" to mean "kept". */
const DURABLE = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' } as const;

/** First patch of each line without the Lua escape CVE-2025-49844. 7.0 is mended by distributions only, under its old number. */
const SAFE = {
  redis: { '7.0': 15, '7.2': 11, '7.4': 6, '8.0': 4, '8.2': 2 },
  valkey: { '7.2': 11, '8.0': 6, '8.1': 4 },
} as const;

/** The version to move to when the server that gave this INFO is known to be unsafe, else null. */
export function saferVersion(info: string): string | null {
  const kind = info.includes('valkey_version:') ? 'valkey' : 'redis';
  const [, line = '', patch] = new RegExp(`^${kind}_version:(\\d+\\.\\d+)\\.(\\d+)`, 'm').exec(info) ?? [];
  const floor = Object.entries(SAFE[kind]).find(([known]) => known === line)?.[1];
  return floor !== undefined && Number(patch) < floor ? `${line}.${floor}` : null;
}

export interface NodeReport {
  /** As the server says, such as `redis 7.0.15`. */
  version: string;
  isTooOld: boolean;
  /** A node of a cluster. */
  isClusterNode: boolean;
  /** The version to move to, of a server with known holes; else null. */
  safer: string | null;
  /** Settings that lose or evict what was acknowledged. */
  weak: { name: string; found: string; wanted: string }[];
  /** Settings that the server does not tell, as managed ones do. */
  untold: string[];
}

/** Reads one server. Costs four short commands. */
export async function inspectNode(node: RedisClient): Promise<NodeReport> {
  const info = await node.info('server');
  const [, kind = 'redis', version = ''] =
    /^(valkey)_version:(\S+)/m.exec(info) ?? /^(redis)_version:(\S+)/m.exec(info) ?? [];
  const major = /^redis_version:(\d+)\./m.exec(info)?.[1];
  const report: NodeReport = {
    version: `${kind} ${version}`,
    isTooOld: major !== undefined && Number(major) < 7,
    isClusterNode: /^(redis|server)_mode:cluster/m.test(info),
    safer: saferVersion(info),
    weak: [],
    untold: [],
  };
  for (const [name, wanted] of Object.entries(DURABLE)) {
    const found = await readSetting(node, name);
    if (found === null) report.untold.push(name);
    else if (found !== wanted) report.weak.push({ name, found, wanted });
  }
  return report;
}

/** How a setting is put right without a loss. With `appendonly yes` in redis.conf alone, the next start would begin empty. */
export const remedyOf = ({ name, wanted }: { name: string; wanted: string }): string =>
  `Run \`redis-cli -u "$REDIS_URL" config set ${name} ${wanted}\`, and only then write \`${name} ${wanted}\` into redis.conf.`;

export const NODE_OF_CLUSTER =
  'REDIS_URL names a node of a Redis Cluster as if it stood alone: write redis+cluster://host:port,… (TLS: rediss+cluster://…)';
export const TOO_OLD = 'Redis 7.0 or newer (or Valkey 8) is needed.';

/**
 * Checks version and durability of Redis; of a cluster, every master.
 * @throws ConfigError when the address names a node of a cluster as if it stood alone; ServiceError for Redis before 7.0; and in production, unless `allowWeak`, when it may lose acknowledged webhooks.
 */
export async function checkDurability(
  client: RedisClient,
  rules: { production: boolean; allowWeak: boolean },
  log: Logger,
): Promise<void> {
  for (const node of mastersOf(client)) {
    const report = await inspectNode(node);
    // A cluster's own connection is never a node of it.
    if (node === client && report.isClusterNode) throw new ConfigError([NODE_OF_CLUSTER]);
    if (report.isTooOld) throw new ServiceError('STORE_UNAVAILABLE', TOO_OLD);
    judge(report, rules, log);
  }
}

function judge(
  { safer, weak, untold }: NodeReport,
  rules: { production: boolean; allowWeak: boolean },
  log: Logger,
): void {
  if (safer !== null) {
    log.warn(
      { event: 'redis.outdated', safer },
      `This Redis has known holes in its Lua: update it to ${safer} or newer.`,
    );
  }
  for (const setting of untold)
    log.warn({ event: 'redis.unchecked', setting }, 'Redis does not tell this setting; check it yourself');
  if (weak.length === 0) return;
  const spelled = weak.map(({ name, found, wanted }) => `${name} is ${found}, should be ${wanted}`);
  const message = `Redis may lose what was acknowledged: ${spelled.join('; ')}.`;
  if (rules.production && !rules.allowWeak) {
    throw new ServiceError(
      'STORE_UNAVAILABLE',
      `${message} ${weak.map(remedyOf).join(' ')} Or accept it with ALLOW_WEAK_DURABILITY=true.`,
    );
  }
  log.warn({ event: 'redis.weak', weak: spelled }, message);
}

/** null when the server forbids CONFIG, as managed ones do. */
async function readSetting(client: RedisClient, name: string): Promise<string | null> {
  try {
    const answer = await client.call('CONFIG', 'GET', name);
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
  } catch {
    return null;
  }
}
