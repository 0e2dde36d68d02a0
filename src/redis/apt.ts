/**
 * Fetches a Redis server from the distribution's own signed packages, as any user, without installing anything.
 *
 * 1. apt works on its own state and cache folders, with the system's sources, keys and proxy settings.
 * 2. It resolves against a copy of the system's list of installed packages, without Redis: only what is missing is fetched.
 * 3. The packages are unpacked beside the target, which then appears by one rename: never half of it, whoever else fetches.
 *
 * Every step has a time limit; what was left half done is removed, by the next fetch if this one is killed.
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface AptFetch {
  /** The folder that will hold `usr/bin/<name>` and the libraries; one that is there already is replaced. */
  target: string;
  /** Packages to try, in order. */
  names: readonly string[];
  /** For apt, dpkg and what they call: PATH, and a proxy's address where the user has one. */
  env: { PATH: string; [name: string]: string | undefined };
  log: (line: string) => void;
}

const STEP_LIMIT_MS = 120_000;
/** Our copy of dpkg's list of installed packages. */
const STATUS = 'status';

type Run = (args: string[]) => Promise<{ ok: boolean; output: string }>;

/** Returns null when the target is there, else in a few words why not. */
export async function fetchWithApt({ target, names, env, log }: AptFetch): Promise<string | null> {
  const program = (name: string) => Bun.which(name, { PATH: env.PATH });
  const missing = ['apt-get', 'dpkg', 'tar'].filter((name) => program(name) === null);
  if (missing.length > 0) return `this system has no ${missing[0]} to fetch one with`;

  log(`No Redis server is installed: fetching this system's own signed package into ${target} (nothing is installed).`);
  const startedAt = performance.now();
  await removeAbandoned(target);
  const work = await mkdtemp(`${target}.`);
  try {
    const run = (command: string[], cwd = work) => runStep(command, cwd, env);
    const apt = await prepareApt(work);

    // Its exit code says little: one unreachable third-party source fails it, although the distribution's answered.
    await run(['apt-get', ...apt, 'update']);
    const packages = await choosePackages(names, work, (args) => run(['apt-get', ...apt, ...args]));
    if (packages.length === 0) return 'apt-get knows no package of it, or could not reach its servers';

    const downloaded = await run(['apt-get', ...apt, 'download', ...packages], join(work, 'debs'));
    if (!downloaded.ok) return 'apt-get could not download its packages';
    const root = join(work, 'root');
    for (const file of await readdir(join(work, 'debs'))) {
      if (!(await run(['dpkg', '-x', join('debs', file), root])).ok) return `${file} could not be unpacked`;
    }
    await replaceFolder(root, target, work);
    log(`Fetched ${packages.join(', ')} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
    return null;
  } catch (cause) {
    return `fetching it failed: ${cause instanceof Error ? cause.message : String(cause)}`;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What a fetch left that was killed: no fetch takes an hour. */
async function removeAbandoned(target: string): Promise<void> {
  for (const name of await readdir(dirname(target))) {
    const path = join(dirname(target), name);
    const usedAtMs = (await stat(path).catch(() => null))?.mtimeMs ?? Date.now();
    const abandoned = name.startsWith(`${basename(target)}.`) && Date.now() - usedAtMs > 3_600_000;
    if (abandoned) await rm(path, { recursive: true, force: true });
  }
}

async function prepareApt(work: string): Promise<string[]> {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'debs', 'root']) {
    await mkdir(join(work, folder), { recursive: true });
  }
  const settings = {
    'Dir::State': join(work, 'state'),
    'Dir::State::lists': join(work, 'state/lists'),
    'Dir::State::status': join(work, STATUS),
    'Dir::Cache': join(work, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '10',
    'Acquire::https::Timeout': '10',
    // As root apt would drop to a user of its own, who cannot write into a private cache folder.
    'APT::Sandbox::User': '',
  };
  await writeFile(join(work, STATUS), '');
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** What `apt-get -s install` names, less what the system has; empty when it knows none of the names. */
async function choosePackages(names: readonly string[], work: string, apt: Run): Promise<string[]> {
  const stanzas = (await readFile('/var/lib/dpkg/status', 'utf8').catch(() => '')).split(/\n{2,}/);
  const others = stanzas.filter((stanza) => !/^Package: (redis|valkey)/m.test(stanza));
  const installed = new Set(
    others
      .filter((stanza) => /^Status: \S+ ok installed$/m.test(stanza))
      .map((stanza) => stanza.match(/^Package: (\S+)$/m)?.[1]),
  );
  const attempts = [
    { status: `${others.join('\n\n')}\n`, has: new Set<string | undefined>() },
    // Where something installed is broken, or needs a system's Redis, apt resolves nothing: then we subtract ourselves.
    { status: '', has: installed },
  ];
  for (const { status, has } of attempts) {
    await writeFile(join(work, STATUS), status);
    for (const name of names) {
      const simulated = await apt(['-s', '--no-install-recommends', 'install', name]);
      // An upgrade, `Inst name [old] (new)`, is none of our business: what is installed serves.
      const named = [...simulated.output.matchAll(/^Inst (\S+) \(/gm)].map((match) => match[1] ?? '');
      if (simulated.ok && named.length > 0) return named.filter((each) => !has.has(each));
    }
  }
  return [];
}

/** A folder cannot be renamed over a full one, so a broken one is moved out of the way first, into `attic`. */
async function replaceFolder(from: string, to: string, attic: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(to, join(attic, 'replaced')).catch(() => {});
  await rename(from, to).catch(async (error) => {
    // Somebody else's fetch came first; it is as good as ours.
    if (!(await readdir(to).catch(() => [])).length) throw error;
  });
}

async function runStep(command: string[], cwd: string, env: AptFetch['env']) {
  const [name = '', ...args] = command;
  const child = Bun.spawn([Bun.which(name, { PATH: env.PATH }) ?? name, ...args], {
    cwd,
    env: { ...env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: STEP_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const [output, code] = await Promise.all([child.stdout.text(), child.exited]);
  return { ok: code === 0, output };
}
