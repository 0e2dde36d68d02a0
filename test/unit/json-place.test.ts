/** Where a text stops being JSON: named places, and JSON.parse as the judge of many broken texts. */
import { expect, test } from 'bun:test';
import { brokenPlace } from '../../src/json-place';

test.each([
  ['', 'line 1, column 1'],
  ['{"a":1', 'line 1, column 7'],
  ['[1,\n 2,\n]', 'line 3, column 1'],
  ["{'a': 1}", 'line 1, column 2'],
  ['{"a": 01}', 'line 1, column 7'],
  ['{"a": 1 // so\n}', 'line 1, column 9'],
  ['{"a": "one\ntwo"}', 'line 1, column 7'],
  ['{"a": tru}', 'line 1, column 7'],
  ['{"a" 1}', 'line 1, column 6'],
  ['{"a": 1} 2', 'line 1, column 10'],
])('%j breaks at %s', (text, place) => {
  expect(brokenPlace(text)).toBe(place);
});

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test('what JSON.parse takes is taken to its end; what it refuses breaks before it, or lacks its end', () => {
  const content = { apps: [{ a: 'é"\\\n', b: [-1.5e-3, 0, true, false, null], c: {} }, []] };
  // One line: then the column alone tells.
  const whole = JSON.stringify(content, null, 1).replaceAll('\n', ' ');
  const inserts = ['', ',', ':', '"', '{', '}', ']', '0', '-', '\\', ' ', 'e', '\t'];
  const texts = Array.from(whole, (_, i) =>
    inserts.flatMap((insert) => [0, 1].map((skip) => whole.slice(0, i) + insert + whole.slice(i + skip))),
  ).flat();
  expect(texts.filter((text) => !isJson(text)).length).toBeGreaterThan(1_000);
  for (const text of texts) {
    const isTaken = brokenPlace(text) === `line 1, column ${text.length + 1}`;
    const lacksEnd = ['', '}', ']}', '}]}', '}}', ']]}', '"z":0}', '"z":0}]}'].some((end) => isJson(text + end));
    expect([text, isTaken]).toEqual([text, lacksEnd]);
  }
});
