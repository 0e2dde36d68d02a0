/**
 * Finds a Redis (or Valkey) server program that runs here, 7.0 or newer.
 *
 * 1. On PATH: `redis-server`, then `valkey-server`.
 * 2. In our cache: `$XDG_CACHE_HOME/agent-allocation` (or `~/.cache/…`), and `DATA_DIR/cache` where that cannot be written.
 * 3. With apt: fetched into the cache (`apt.ts`), without root and without changing the system.
 * 4. Otherwise one error that names every way to get one.
 *
 * A program counts only if it runs: each is asked for its version. Nothing here stays open after the call.
 */
import { access, constants, mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ServiceError } from '../errors';
import { fetchWithApt } from './apt';

/** A server program that was seen running. */
export interface RedisBinary {
  /** Absolute path of the program. */
  path: string;
  /** Three numbers, for example `7.0.15`. */
  version: string;
  /** Folders of shared libraries that it needs, for LD_LIBRARY_PATH; empty for one that the system installed. */
  libraryPath: string;
}

/** Environment variables. Read: where programs and caches are (PATH, HOME, XDG_CACHE_HOME) and proxies; nothing of ours. */
export type Surroundings = Record<string, string | undefined>;

export interface ProvideRedisOptions {
  /** Where the cache goes when the user's own cache folder cannot be written. */
  dataDir: string;
  /** Takes one line, without an end of line, for the person who started the service. */
  log: (line: string) => void;
  /** Default: those of this process. */
  surroundings?: Surroundings;
  /** Where apt is looked for besides PATH, which may be tiny. */
  systemPath?: string;
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const OLDEST = '7.0.0';
const NAMES = ['redis-server', 'valkey-server'] as const;

const HOW_TO_INSTALL = `Install one and start again:
  Debian, Ubuntu   sudo apt-get install redis-server
  macOS            brew install redis
  Fedora           sudo dnf install valkey
  Alpine           sudo apk add redis
  Docker           docker run -d -p 127.0.0.1:6379:6379 redis:7 redis-server --appendonly yes --appendfsync always
                   and set REDIS_URL=redis://127.0.0.1:6379
or set REDIS_URL to a Redis 7.0 (or Valkey) that already runs.`;

/**
 * Returns a server program that runs, fetching one when none is installed and apt can.
 * Throws a ServiceError that says how to install one when there is no way.
 */
export async function provideRedis(options: ProvideRedisOptions): Promise<RedisBinary> {
  const { dataDir, log, surroundings = process.env, systemPath = SYSTEM_PATH } = options;
  const problems: string[] = [];

  for (const name of NAMES) {
    const path = Bun.which(name, { PATH: surroundings.PATH ?? '' });
    const found = path === null ? null : await tryBinary(path, '', problems);
    if (found) return found;
  }

  const folders = await cacheFolders(dataDir, surroundings);
  for (const { folder } of folders) {
    const found = await tryFolder(folder, problems);
    if (found) return found;
  }

  const target = folders.find(({ writable }) => writable)?.folder;
  if (target === undefined) {
    problems.push('no folder to fetch one into can be written');
  } else {
    const proxies = Object.entries(surroundings).filter(([name]) => /^(https?|no)_proxy$/.test(name));
    const env = { ...Object.fromEntries(proxies), PATH: [surroundings.PATH, systemPath].filter(Boolean).join(':') };
    const problem = await fetchWithApt({ target, names: NAMES, env, log });
    if (problem !== null) problems.push(problem);
    const found = problem === null ? await tryFolder(target, problems) : null;
    if (found) return found;
  }
  throw new ServiceError(
    'STORE_UNAVAILABLE',
    `No usable Redis server was found (${[...new Set(problems)].join('; ')}). ${HOW_TO_INSTALL}`,
  );
}

/** Our folder in each possible cache, best first, named after the system, since a home may be shared by several. */
export async function cacheFolders(dataDir: string, surroundings: Surroundings) {
  const userCache = surroundings.XDG_CACHE_HOME || join(surroundings.HOME || homedir(), '.cache');
  const roots = [join(resolve(userCache), 'agent-allocation'), join(resolve(dataDir), 'cache')];
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => release.match(new RegExp(`^${name}="?([\\w.-]+)"?$`, 'm'))?.[1];
  const system = [field('ID') ?? process.platform, field('VERSION_ID'), process.arch].filter(Boolean).join('-');
  return Promise.all(
    roots.map(async (root) => ({ folder: join(root, `redis-${system}`), writable: await canWrite(root) })),
  );
}

async function canWrite(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The server in an unpacked cache folder, with the libraries unpacked beside it. */
async function tryFolder(folder: string, problems: string[]): Promise<RedisBinary | null> {
  for (const name of NAMES) {
    const path = join(folder, 'usr/bin', name);
    if (!(await Bun.file(path).exists())) continue;
    const libraries = [...new Bun.Glob('**/*.so*').scanSync({ cwd: folder, onlyFiles: false })];
    const libraryPath = [...new Set(libraries.map((file) => join(folder, dirname(file))))].join(':');
    const found = await tryBinary(path, libraryPath, problems);
    if (found) return found;
  }
  return null;
}

async function tryBinary(path: string, libraryPath: string, problems: string[]): Promise<RedisBinary | null> {
  const version = await versionOf(path, libraryPath);
  if (version === null) problems.push(`${path} does not run`);
  else if (Bun.semver.order(version, OLDEST) < 0) problems.push(`${path} is ${version}, 7.0 or newer is needed`);
  else return { path, version, libraryPath };
  return null;
}

/** `Redis server v=7.0.15 sha=…` and `Valkey server v=8.1.1 …` are the forms in use. */
async function versionOf(path: string, libraryPath: string): Promise<string | null> {
  try {
    const child = Bun.spawn([path, '--version'], {
      env: { LD_LIBRARY_PATH: libraryPath },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5_000,
      killSignal: 'SIGKILL',
    });
    const [output, code] = await Promise.all([child.stdout.text(), child.exited]);
    return code === 0 ? (output.match(/v=(\d+\.\d+\.\d+)/)?.[1] ?? null) : null;
  } catch {
    return null;
  }
}
