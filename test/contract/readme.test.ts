import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json';
import { OPTIONS } from '../../src/qiscus/sandbox';
import { SETTINGS } from '../../src/settings';

const root = join(import.meta.dir, '..', '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const READMES = ['README.md', 'README.id.md'];
const scripts = Object.keys(manifest.scripts);

const codeBlocks = (text: string) => [...text.matchAll(/^ *```\w*\n.*?^ *```$/gms)].map(([block]) => block);
const withoutCode = (text: string) => codeBlocks(text).reduce((rest, block) => rest.replace(block, ''), text);
const headings = (text: string) => [...withoutCode(text).matchAll(/^#+ /gm)].map(([mark]) => mark);
/** First two cells of every row whose first cell is one `name`. */
const rows = (text: string) =>
  [...text.matchAll(/^\| `([^`]+)` \| (?:`([^`]*)`)?/gm)].map(([, name = '', value = '']) => ({ name, value }));

describe.each(READMES)('%s', (name) => {
  const text = read(name);

  test('names only commands that exist', () => {
    const commands = [...text.matchAll(/\b(?:npm|bun) run ([a-z:]+)|\b(?:npm|bun) (start|test)\b/g)].map(
      ([, run, short]) => run ?? short ?? '',
    );
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter((command) => !scripts.includes(command))).toEqual([]);
  });

  test('explains every setting with its default, and no other', () => {
    const table = rows(text).filter((row) => /^[A-Z][A-Z0-9_]+$/.test(row.name));
    const settings = Object.entries(SETTINGS).map(([key, { initial }]) => ({ name: key, value: initial ?? '' }));
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    expect(table.sort(byName)).toEqual(settings.sort(byName));
  });

  test('explains every option of the sandbox with its default, and no other', () => {
    const table = rows(text).filter((row) => row.name.startsWith('--'));
    const options = Object.entries(OPTIONS).map(([option, { type, ...rest }]) => {
      const initial = 'default' in rest && type === 'string' ? [rest.default].flat().join() : '';
      return { name: `--${option}`, value: initial };
    });
    expect(table).toEqual(options);
  });

  test('gives a reason for every package, and for no other', () => {
    const known = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
    const table = rows(text)
      .map((row) => row.name)
      .filter((row) => known.includes(row));
    expect(table.sort()).toEqual(known.sort());
  });

  test('points to files that exist', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !/^https?:/.test(link));
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  });

  test('names only metrics that there are', () => {
    const there = ['service', 'counters'].map((file) => read(`src/http/metrics/${file}.ts`)).join('\n');
    const named = [...text.matchAll(/`(caa_\w+)/g)].map(([, metric = '']) => metric);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((metric) => !there.includes(`'${metric.replace(/_(bucket|sum|count)$/, '')}'`))).toEqual([]);
  });

  test('pins the Bun of package.json', () => {
    const versions = [...text.matchAll(/\bbun@([\d.]+)/g)].map(([, version]) => version);
    expect(new Set(versions)).toEqual(new Set([manifest.devDependencies.bun]));
  });
});

test('both languages have the same headings and the same code blocks', () => {
  const [english = '', indonesian = ''] = READMES.map(read);
  expect(headings(indonesian)).toEqual(headings(english));
  expect(codeBlocks(indonesian)).toEqual(codeBlocks(english));
  expect(codeBlocks(english).length).toBeGreaterThan(15);
});

test('image, clean-machine check and package.json agree on the version of Bun', () => {
  const version = manifest.devDependencies.bun;
  expect(read('.ci/run')).toContain(`bun@${version}`);
  const images = [...read('Dockerfile').matchAll(/^FROM oven\/bun:(\S+?)-alpine/gm)].map(([, tag]) => tag);
  expect(images).toEqual([version, version]);
});
