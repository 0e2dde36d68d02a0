/** Every link of the documents, and of what lies under test/ops, leads to a file and a place that are there. */
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dir, '..', '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const ops = readdirSync(join(root, 'test/ops')).map((name) => `test/ops/${name}`);
const documents = ['README.md', 'README.id.md', 'test/bench/README.md', 'test/PROOF.md'];

const withoutCode = (text: string) => text.replace(/^ *```\w*\n.*?^ *```$/gms, '').replace(/`[^`\n]*`/g, 'x');

/** The name that GitHub gives to a heading. */
const nameOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replace(/ /g, '-');

/** Every place that a link may lead to; of equal headings the later ones get a number. */
function places(text: string): Set<string> {
  const found = new Set([...text.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id = '']) => id));
  const headings = [...text.replace(/^ *```\w*\n.*?^ *```$/gms, '').matchAll(/^#+ (.+)$/gm)];
  for (const [, heading = ''] of headings) {
    const name = nameOf(heading.trim());
    let place = name;
    for (let n = 1; found.has(place); n++) place = `${name}-${n}`;
    found.add(place);
  }
  return found;
}

/** What is wrong with a link; null: nothing. @param folder from which its path counts */
function wrong(link: string, from: string, folder: string): string | null {
  const [path = '', place] = link.split('#');
  const file = path === '' ? from : relative(root, join(root, folder, decodeURIComponent(path)));
  if (!existsSync(join(root, file))) return `${link}: no such file`;
  if (place === undefined) return null;
  if (!file.endsWith('.md') || !statSync(join(root, file)).isFile()) return `${link}: no document`;
  return places(read(file)).has(place) ? null : `${link}: no such place`;
}

describe.each(documents)('%s', (name) => {
  const text = withoutCode(read(name));
  const links = [
    ...[...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link),
    ...[...text.matchAll(/ (?:src|srcset|href)="([^"]+)"/g)].map(([, link = '']) => link),
  ].filter((link) => !/^[a-z]+:/.test(link));

  test('links only to files and places that are there', () => {
    if (name.startsWith('README')) expect(links.length).toBeGreaterThan(40);
    expect(links.map((link) => wrong(link, name, dirname(name))).filter(Boolean)).toEqual([]);
  });

  test('has no place twice', () => {
    const ids = [...text.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id]) => id);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });
});

test('both READMEs lead to as many places, and to the same files', () => {
  const links = (name: string) =>
    [...withoutCode(read(name)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const [english, indonesian] = [links('README.md'), links('README.id.md')];
  const files = (all: string[]) =>
    all.filter((link) => !link.startsWith('#') && !/^README(\.id)?\.md/.test(link)).sort();
  expect(files(indonesian)).toEqual(files(english));
  expect(indonesian.length).toBe(english.length);
});

test.each(ops)('%s: what it says of the README is there, in both languages', (name) => {
  const links = [...read(name).matchAll(/README(?:\.id)?\.md#[\w-]+/g)].map(([link]) => link);
  if (name.endsWith('alerts.yaml')) expect(links.length).toBeGreaterThan(10);
  const places = links.flatMap((link) => [link, link.replace('README.md', 'README.id.md')]);
  expect(places.map((link) => wrong(link, name, '.')).filter(Boolean)).toEqual([]);
});

test('what the service says about the README is a part of it', () => {
  const sources = [...new Bun.Glob('src/**/*.ts').scanSync(root), '.env.example'];
  const named = sources.flatMap((file) =>
    [...read(file).matchAll(/README,\s+(?:#\s+)?"([^"]+)"/g)].map(([, heading = '']) => heading),
  );
  expect(named.length).toBeGreaterThan(3);
  const headings = [...read('README.md').matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
  expect(named.filter((heading) => !headings.includes(heading))).toEqual([]);
});
