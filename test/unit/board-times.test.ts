/** Times on the board as people of each language write them: Intl alone would say `md` for milliseconds in Indonesian. */
import { expect, test } from 'bun:test';
import { durationText } from '../../src/http/board/page/times';

test('durations have the unit that people write, two digits, and the language’s point', () => {
  const both = (seconds: number) => [durationText(seconds, 'en'), durationText(seconds, 'id')];
  expect(both(0)).toEqual(['0 s', '0 dtk']);
  expect(both(0.0012)).toEqual(['1 ms', '1 ms']);
  expect(both(0.446)).toEqual(['450 ms', '450 ms']);
  expect(both(7.44)).toEqual(['7.4 s', '7,4 dtk']);
  expect(both(61)).toEqual(['61 s', '61 dtk']);
  expect(both(12 * 60)).toEqual(['12 min', '12 mnt']);
  expect(both(90 * 60)).toEqual(['1.5 h', '1,5 jam']);
});
