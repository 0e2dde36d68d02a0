/** What a play came to, for people. */
import { facts, type Screen } from '../../src/cli/screen';
import { duration } from '../../src/cli/words';
import { quantile } from '../bench/measure';
import type { Way } from './losses';
import type { Played } from './play';

const many = (counts: Record<string, number>) => Object.values(counts).reduce((sum, one) => sum + one, 0);

const WAYS: Record<Way, string> = {
  asked: 'found by asking Qiscus (adopted or repaired)',
  webhook: "made good by the room's next webhook",
  call: "made good by Qiscus's answer to a call",
  needless: 'told nothing new: the room was in line',
  silent: 'of which the journal has no word',
};

function lossesOf({ counts, madeGood }: Played): string {
  const ways = [...madeGood].sort(([, a], [, b]) => b - a).map(([way, times]) => `${times} ${WAYS[way]}`);
  return counts.lost === 0 ? 'none' : `${counts.lost}: ${ways.join(', ')}`;
}

/** The lines; the last one is the checker's word. */
export function summary(played: Played, screen: Screen): string[] {
  const { minutes, endedAt, speed, seed, counts, waits, shares, faults, events, judged, broken } = played;
  const { opened, returned, finished, turnedAway, twice, late, lost, replies, breaks, writtenAgain } = counts;
  const got = shares.reduce((sum, [, rooms]) => sum + rooms, 0);
  const longest = Math.max(...waits);
  const repairs = ['room.adopted', 'room.repaired', 'room.returned'].map((event) => events[event] ?? 0);
  const met = Object.entries(faults).map(([what, times]) => `${what.replaceAll('_', ' ')} ${times}`);
  const { paint } = screen;
  return [
    paint(
      'bold',
      `${endedAt === null ? minutes : `${endedAt.toFixed(1)} of ${minutes}`} min of people${endedAt === null ? '' : ', ended early'}; speed ${speed}, seed ${seed}`,
    ),
    ...facts(
      [
        [
          'chats',
          `${opened + returned}: ${opened} customers, ${returned} times one came back; ${finished} ended, ${turnedAway} turned away`,
        ],
        ['people', `wrote again ${writtenAgain} times while they waited; agents took ${breaks} breaks`],
        [
          'waits',
          waits.length === 0
            ? 'nobody was served'
            : `p50 ${duration(quantile(waits, 0.5))}, p95 ${duration(quantile(waits, 0.95))}, longest ${duration(longest)}, of their time`,
        ],
        [
          'agents',
          shares.map(([agent, rooms]) => `${agent} ${rooms} (${Math.round((rooms / got) * 100)} %)`).join(', ') ||
            'none got a room',
        ],
        ['webhooks', `${many(replies)} answered; ${twice} sent twice, ${late} late, ${lost} lost`],
        ['lost ones', lossesOf(played)],
        ['faults', met.length === 0 ? 'none met' : `${many(faults)} met: ${met.join(', ')}`],
        ['repairs', `${repairs[0]} rooms adopted, ${repairs[1]} repaired, ${repairs[2]} back in line`],
      ],
      screen,
    ),
    '',
    ...(broken.length === 0
      ? [paint('green', `${judged} decisions judged, nothing broken`)]
      : [...broken, paint('red', `${judged} decisions judged, ${broken.length} things broken`)]),
  ];
}
