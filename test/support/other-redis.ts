/**
 * Servers that this Debian does not install: newer Redis, Valkey. Fetched from the distribution's other suites, for tests only.
 *
 * 1. apt works on folders of its own; nothing is installed. The mirror is the one that the system's own sources name.
 * 2. A newer suite's program brings its own C library: it is started by that suite's loader.
 * 3. What was fetched stays in the user's cache, and is used again.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface OtherServer {
  /** Suites of the distribution: the one that has it, then those that have its libraries. */
  suites: string[];
  package: 'redis-server' | 'valkey-server';
}

export const OTHER_SERVERS: Record<string, OtherServer> = {
  'valkey-8.0': { suites: ['bookworm-backports', 'bookworm'], package: 'valkey-server' },
  'valkey-8.1': { suites: ['trixie'], package: 'valkey-server' },
  'redis-8.0': { suites: ['trixie'], package: 'redis-server' },
};

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'agent-allocation-test');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const STEP_LIMIT_MS = 120_000;

/** Path of a program that runs as that server. @throws Error that says in a few words why there is none */
export async function provideOther(name: string, server: OtherServer): Promise<string> {
  const program = join(CACHE, name, 'server.sh');
  if (existsSync(program)) return program;
  if (!Bun.which('apt-get') || !existsSync(KEYRING)) throw new Error('it is fetched from Debian, and this is none');
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, 'work-'));
  try {
    await fetchInto(work, server);
    await rename(work, join(CACHE, name));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return program;
}

async function fetchInto(work: string, server: OtherServer): Promise<void> {
  for (const folder of ['lists/partial', 'cache/archives/partial', 'debs', 'root']) {
    await mkdir(join(work, folder), { recursive: true });
  }
  // Only Debian's own main archive has these suites; its address is in the system's sources.
  const targets = run([
    'apt-get',
    'indextargets',
    '--format',
    '$(REPO_URI) $(SUITE) $(CODENAME)',
    'Created-By: Packages',
  ]);
  const mirror = /^(\S+) \S+ bookworm$/m.exec(targets)?.[1];
  if (!mirror) throw new Error('the sources of this system name no Debian 12');
  const lines = server.suites.map((suite) => `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  await writeFile(join(work, 'sources.list'), lines.join(''));
  await writeFile(join(work, 'status'), '');
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': '',
    'APT::Default-Release': server.suites[0] ?? '',
  };
  const apt = ['apt-get', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
  run([...apt, 'update']);
  // On an empty system, so that every library is named, the C library too.
  const simulated = run([...apt, '-s', '--no-install-recommends', 'install', server.package]);
  const packages = [...simulated.matchAll(/^Inst (\S+) \(/gm)].map((match) => match[1] ?? '');
  run([...apt, 'download', ...packages], join(work, 'debs'));
  for (const file of await readdir(join(work, 'debs')))
    run(['dpkg', '-x', join(work, 'debs', file), join(work, 'root')]);
  for (const folder of ['lists', 'cache', 'debs']) await rm(join(work, folder), { recursive: true });

  const libraries = new Bun.Glob('**/*.so*').scanSync({ cwd: join(work, 'root'), onlyFiles: false });
  const folders = new Set([...libraries].map((file) => `$here/root/${file.slice(0, file.lastIndexOf('/'))}`));
  const loader = [...new Bun.Glob('**/ld-linux*.so.*').scanSync({ cwd: join(work, 'root'), onlyFiles: true })][0];
  const script = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/root/${loader}" --argv0 ${server.package} --library-path "${[...folders].join(':')}" \\
  "$here/root/usr/bin/${server.package}" "$@"
`;
  await writeFile(join(work, 'server.sh'), script, { mode: 0o755 });
}

function run(command: string[], cwd?: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd,
    env: { ...process.env, LC_ALL: 'C' },
    timeout: STEP_LIMIT_MS,
  });
  if (exitCode !== 0) throw new Error(`${command[0]} failed: ${stderr.toString().trim().split('\n').at(-1)}`);
  return stdout.toString();
}
