/**
 * Connections to Redis: standalone, Unix socket, Sentinel or Cluster, by the form of the address.
 *
 * 1. One rule for all: a command is sent once or fails. ioredis's defaults execute a write twice when the connection
 *    drops after the server ran it, and its offline queue writes after the caller was told it failed (measured on 6.0.0).
 * 2. Three purposes: `ingest` (webhook appends, 150 ms), `command` (scripts and reads), `bell` (the subscriber of the doorbell).
 * 3. Reconnects for ever by itself, but for the subscriber, which its owner replaces; `close` ends it.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { FollowedMaster } from './sentinel';
import './tracing';

/** `/path/to.sock`, `redis[s]://…`, `redis[s]+cluster://host:port,…` or `redis[s]+sentinel://host:port,…/name`. */
export type RedisAddress = string;
export type RedisClient = Redis | Cluster;
export type Purpose = 'ingest' | 'command' | 'bell';

const RETRY_CAP_MS = 1_000;
/** How long a start waits for the connections to all nodes of a cluster. */
const NODE_WITHIN_MS = 1_000;

const PURPOSES: Record<Purpose, RedisOptions> = {
  // A socket that stays silent for longer is dead, whatever TCP believes: it is replaced.
  ingest: { commandTimeout: 150, socketTimeout: 2_000 },
  command: { commandTimeout: 2_000, socketTimeout: 5_000 },
  bell: { commandTimeout: 2_000, retryStrategy: () => null },
};

function reconnectDelay(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 10), RETRY_CAP_MS) * (0.75 + Math.random() / 2);
}

function optionsOf(purpose: Purpose): RedisOptions {
  return {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    protocol: 2,
    disableClientInfo: true,
    connectionName: `agent-allocation-${purpose}-${process.pid}`,
    connectTimeout: 5_000,
    lazyConnect: true,
    retryStrategy: reconnectDelay,
    // After a failover the old master answers READONLY: reconnect, but never resend (2 would).
    reconnectOnError: (error) => (error.message.includes('READONLY') ? 1 : false),
    ...PURPOSES[purpose],
  };
}

function hostsOf(part: string): { host: string; port: number }[] {
  return part.split(',').map((address) => {
    const url = new URL(`redis://${address}`);
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 6379) };
  });
}

function create(address: RedisAddress, purpose: Purpose): RedisClient {
  const options = optionsOf(purpose);
  // Not by its URL parsing, which would cut a path at `?` or `#`.
  if (address.startsWith('/')) return new Redis({ ...options, path: address });
  const many = /^(rediss?)\+(cluster|sentinel):\/\/(?:([^@]*)@)?([^/]+)(?:\/([^/]*))?(?:\/(\d+))?$/.exec(address);
  if (!many) return new Redis(address, options);
  const [, scheme, kind, login = '', hosts = '', name, db] = many;
  const [user, password] = login.includes(':') ? login.split(/:(.*)/s) : ['', login];
  const shared: RedisOptions = {
    ...options,
    ...(user && { username: decodeURIComponent(user) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(scheme === 'rediss' && { tls: {} }),
  };
  if (kind === 'sentinel') {
    return new FollowedMaster({
      ...shared,
      sentinels: hostsOf(hosts),
      name: name ?? 'mymaster',
      db: Number(db ?? 0),
    });
  }
  const { retryStrategy: _, enableOfflineQueue: __, ...redisOptions } = shared;
  const clusterOptions: ClusterOptions = {
    redisOptions,
    lazyConnect: true,
    enableOfflineQueue: false,
    // The cluster layer resends on a closed connection by itself; with 0 it does not (measured).
    retryDelayOnFailover: 0,
    // Sixteen tries a tenth of a second apart: too long for who waits for an answer to a webhook.
    ...(purpose === 'ingest' && { retryDelayOnClusterDown: 0 }),
    clusterRetryStrategy: reconnectDelay,
    scaleReads: 'master',
  };
  const cluster = new Cluster(hostsOf(hosts), clusterOptions);
  // A node is otherwise connected to by its first command: that one waits in a line from which it is sent even when its
  // caller was told that it failed, and all that come meanwhile are refused.
  const join = (node: Redis) => {
    if (node.status === 'wait') node.connect().catch(() => undefined);
  };
  // Not before it is ready: until then ioredis connects by itself, and a connection of ours in between may leave it waiting.
  cluster.on('ready', () => cluster.nodes().forEach(join));
  cluster.on('+node', (node: Redis) => {
    if (cluster.status === 'ready') join(node);
  });
  return cluster;
}

/**
 * Connects and waits until the first connection is ready.
 * @param withinMs how long to wait; ms
 * @throws Error when Redis does not answer in time; the client is closed then.
 */
export async function connect(address: RedisAddress, purpose: Purpose, withinMs = 10_000): Promise<RedisClient> {
  const client = create(address, purpose);
  let lastError = 'no answer';
  // Without a listener ioredis prints; the callers see each failed command anyway.
  client.on('error', (error: Error) => {
    lastError = error.message;
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      client.disconnect();
      reject(new Error(`Redis did not get ready within ${withinMs} ms (${lastError})`));
    }, withinMs);
    client.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
    client.connect().catch((error: Error) => {
      lastError = error.message;
    });
  });
  // A cluster is ready when one of its nodes is; of the others, one may be down.
  if (client instanceof Cluster) await Promise.all(client.nodes().map((node) => whenReady(node, NODE_WITHIN_MS)));
  return client;
}

/**
 * A connection for subscriptions that does not reconnect. Of a cluster it goes to any node that `command` knows, another one
 * each time: what is published reaches all of them.
 * @throws Error when it does not get ready.
 */
export async function dial(address: RedisAddress, command: RedisClient): Promise<Redis> {
  const nodes = command instanceof Cluster ? command.nodes() : [];
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  const client = node ? node.duplicate(optionsOf('bell')) : create(address, 'bell');
  if (client instanceof Cluster) throw new Error('the cluster does not tell its nodes');
  // Its owner sees that it ended; without a listener ioredis prints.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    // What listens to sentinels for it would stay.
    close(client);
    throw error;
  }
  return client;
}

/** The connections to all masters, for commands without a key: a Cluster would ask any node. */
export function mastersOf(client: RedisClient): RedisClient[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

/** Names a node of `mastersOf`. */
export function addressOf(node: RedisClient): string {
  return node instanceof Cluster ? '' : `${node.options.host}:${node.options.port}`;
}

/** Tells at any time which node holds `key`, by its `addressOf`; '' while the cluster does not say. */
export async function ownerOf(client: RedisClient, key: string): Promise<() => string> {
  if (!(client instanceof Cluster)) return () => addressOf(client);
  const slot = Number(await client.cluster('KEYSLOT', key));
  return () => client.slots[slot]?.[0] ?? '';
}

const owners = new WeakMap<Cluster, Map<string, () => string>>();

/**
 * The connection that `client` uses for `key`, to send several commands over the very same one.
 * null: there is none that could be used at once.
 */
export async function nodeOf(client: RedisClient, key: string): Promise<Redis | null> {
  if (!(client instanceof Cluster)) return client;
  const known = owners.get(client) ?? new Map<string, () => string>();
  owners.set(client, known);
  const owner = known.get(key) ?? (await ownerOf(client, key));
  known.set(key, owner);
  return usable(client.nodes('master').find((one) => addressOf(one) === owner()));
}

/** On a connection that is being made a command would stay in line, and be sent after its caller was told that it failed. */
const usable = (node: Redis | undefined): Redis | null => (node?.status === 'ready' ? node : null);

/** A node of a cluster that a refused command belongs to. */
export interface Redirect {
  node: Redis;
  /** The key is just moving there: ASKING has to stand in front. */
  asking: boolean;
}

/**
 * Where to go with a command that was refused because its key is on another node of a cluster, and was not run.
 * null: that is not why, or the node cannot be spoken to yet.
 */
export function redirectOf(client: RedisClient, error: Error): Redirect | null {
  const [, how, place] = /^(MOVED|ASK) \d+ (\S+)$/.exec(error.message) ?? [];
  if (how === undefined || !(client instanceof Cluster)) return null;
  if (how === 'MOVED') client.refreshSlotsCache();
  const node = usable(client.nodes('master').find((one) => addressOf(one) === place));
  return node && { node, asking: how === 'ASK' };
}

/** Ends a connection at once; what waits on it fails. */
export function close(client: RedisClient): void {
  client.disconnect();
}

/** Resolves when the client may be used again, or after `withinMs`. */
export async function whenReady(client: RedisClient, withinMs: number): Promise<void> {
  if (client.status === 'ready') return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      client.off('ready', done);
      resolve();
    };
    const timer = setTimeout(done, withinMs);
    client.once('ready', done);
  });
}
