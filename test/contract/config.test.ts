import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { SETTINGS } from '../../src/settings';

const root = join(import.meta.dir, '..', '..');
const lines = readFileSync(join(root, '.env.example'), 'utf8').split('\n');
const examples = lines.flatMap((line, index) => {
  const match = /^#?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
  return match ? [{ name: String(match[1]), value: String(match[2]), index }] : [];
});
const settings = Object.entries(SETTINGS).map(([name, { initial }]) => ({ name, initial: initial ?? '' }));

/** The comment lines that stand right above a setting or above the group that it belongs to. */
function explanationOf(index: number): string {
  let first = index;
  while (first > 0 && lines[first - 1]?.startsWith('#')) first--;
  return lines
    .slice(first, index)
    .filter((line) => line.startsWith('# '))
    .join(' ');
}

describe('.env.example', () => {
  test('names exactly the settings of the code, each once', () => {
    expect(examples.map(({ name }) => name).sort()).toEqual(settings.map(({ name }) => name).sort());
  });

  test.each(settings)('shows the default of $name', ({ name, initial }) => {
    expect(examples.find((example) => example.name === name)?.value).toBe(initial);
  });

  test.each(examples)('explains $name', ({ index }) => {
    expect(explanationOf(index).length).toBeGreaterThan(20);
  });

  test.each(settings)('tells the range of $name', ({ name }) => {
    const range = /from (\d+) to (\d+)/.exec(SETTINGS[name as keyof typeof SETTINGS].allowed);
    if (!range) return;
    const index = examples.find((example) => example.name === name)?.index ?? 0;
    expect(explanationOf(index)).toContain(`${range[1]} to ${range[2]}`);
  });

  test('sets nothing as it stands, and means the same with every line switched on', () => {
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
    const all = Object.fromEntries(examples.map(({ name, value }) => [name, value]));
    expect(readConfig(all, [])).toEqual(readConfig({}, []));
  });
});

test('settings are read from the environment in one place', () => {
  const name = Object.keys(SETTINGS).join('|');
  const reading = new RegExp(`env(?:\\.|\\[['"\`])(?:${name})\\b`);
  expect('process.env.PORT').toMatch(reading);
  const readers = [...new Bun.Glob('**/*.ts').scanSync(join(root, 'src'))].filter((path) =>
    reading.test(readFileSync(join(root, 'src', path), 'utf8')),
  );
  expect(readers).toEqual([]);
});
