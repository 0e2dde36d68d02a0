/** What the service is made of and runs in: packages, lockfile, image. Read as text; nothing is fetched. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import manifest from '../../package.json';

const root = join(import.meta.dir, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const lock = read('bun.lock');
/** Name to version, integrity, and whether it brings an install script. */
const locked = [...lock.matchAll(/^ {4}"([^"]+)": \["((?:@[^/"]+\/)?[^@"]+)@([^"]+)"(.*)\],?$/gm)].map(
  ([, , name = '', version = '', rest = '']) => ({ name, version, rest }),
);

describe('packages', () => {
  test('[S36] few, and each of one exact version', () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(10);
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
      expect(locked.some((one) => one.name === name && one.version === version)).toBe(true);
    }
  });

  test('[S36] the lockfile holds every one by version and sum, from the registry only', () => {
    expect(locked.length).toBeGreaterThan(40);
    expect(locked.length).toBe([...lock.matchAll(/^ {4}"[^"]+": \[/gm)].length);
    for (const { name, version, rest } of locked) {
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+[\w.+-]*$/)]);
      expect([name, /, "sha512-[A-Za-z0-9+/]{86}=="$/.test(rest)]).toEqual([name, true]);
    }
    expect(lock).not.toMatch(/(?:git\+|github:|https?:|file:|link:)/);
  });

  test('[S36] no install script runs but the one that fetches Bun', () => {
    expect(manifest.trustedDependencies).toEqual(['bun']);
    expect(/"trustedDependencies": \[\s*"bun",?\s*\]/.test(lock)).toBe(true);
    const scripts = Object.keys(manifest.scripts).filter((name) => /install|prepare|^(pre|post)/.test(name));
    expect(scripts).toEqual([]);
  });

  test('[S36] every install is frozen', () => {
    for (const file of ['Dockerfile', '.ci/run']) {
      const installs = [...read(file).matchAll(/^(?!\s*#).*\binstall\b.*$/gm)]
        .map(([line]) => line)
        .filter((line) => /bun|BUN/.test(line) && !/fresh clone|sh -c/.test(line));
      expect([file, installs.length > 0, installs.filter((line) => !line.includes('--frozen-lockfile'))]).toEqual([
        file,
        true,
        [],
      ]);
    }
    expect(read('bunfig.toml')).toContain('exact = true');
  });

  test('[S36] the code imports what is listed, and nothing else', () => {
    const files = [...new Bun.Glob('**/*.ts').scanSync(join(root, 'src'))];
    const transpiler = new Bun.Transpiler({ loader: 'ts' });
    const imported = files
      .flatMap((file) => transpiler.scanImports(read(`src/${file}`)).map(({ path }) => path))
      .filter((path) => !path.startsWith('.'));
    const packages = new Set(
      imported
        .filter((name) => !isBuiltin(name))
        .map((name) =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
    );
    expect([...packages].filter((name) => !(name in manifest.dependencies))).toEqual([]);
    expect(packages.size).toBeGreaterThan(4);
  });

  test('[S23 S35] an Elysia without known holes, and none of the plugins that open doors', () => {
    const version = locked.find(({ name }) => name === 'elysia')?.version ?? '0.0.0';
    expect(Bun.semver.order(version, '1.4.27')).toBeGreaterThanOrEqual(0);
    expect(
      locked.map(({ name }) => name).filter((name) => /^@elysiajs\/(cors|static|cookie|jwt|html|bearer)$/.test(name)),
    ).toEqual([]);
    const files = [...new Bun.Glob('http/**/*.ts').scanSync(join(root, 'src'))];
    for (const file of files)
      expect([file, /\bcookie\b/i.test(read(`src/${file}`).replace(/^\s*(\/\/|\*|\/\*).*$/gm, ''))]).toEqual([
        file,
        false,
      ]);
  });
});

describe('the image', () => {
  const image = read('Dockerfile');

  test('[S37] runs as a user without rights, as the process itself, and stops when asked', () => {
    expect(image).toMatch(/^USER bun$/m);
    expect(image.indexOf('USER bun')).toBeGreaterThan(image.lastIndexOf('RUN '));
    expect(image).toMatch(/^ENTRYPOINT \["bun", "run", "src\/index\.ts"\]$/m);
    expect(image).toMatch(/^STOPSIGNAL SIGTERM$/m);
    expect(image).toMatch(/^HEALTHCHECK /m);
    expect(image).toContain('NODE_ENV=production');
    expect([...image.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)).toEqual([
      'oven/bun:1.4.5-alpine',
      'oven/bun:1.4.5-alpine',
    ]);
  });

  test('[S36 S37] holds what it needs: no secret, no test, no tool', () => {
    expect(image).not.toMatch(/\b(?:ADD|curl|wget|apk add|sudo)\b|--privileged/);
    expect(image).not.toMatch(/(?:SECRET|TOKEN|PASSWORD)\s*=/);
    const sent = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(sent).toEqual([
      '*',
      '!package.json',
      '!bun.lock',
      '!bunfig.toml',
      '!tsconfig.json',
      '!LICENSE',
      '!src',
      '!lua',
    ]);
    expect(image).toContain('bun install --frozen-lockfile --production');
  });
});
