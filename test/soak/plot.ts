/** Small charts of one soak over its minutes, and the verdicts below them. */
import type { Sample } from './sample';
import type { SoakReport } from './soak';
import { spell, type Verdict } from './verdicts';

const WIDTH = 960;
const PANEL = { width: 440, height: 130, gapX: 30, gapY: 58, left: 20, top: 62 };
const LINE = 17;
const COLORS = ['#2f6db3', '#c0622d', '#2a7d4f', '#8a5aa8'];
const BROKEN = '#b3392f';

type Series = [name: string, value: (sample: Sample) => number | null];

const PANELS: [title: string, series: Series[]][] = [
  [
    'Memory of the service, MB',
    [
      ['api', ({ api }) => api.rssMb],
      ['worker', ({ worker }) => worker.rssMb],
      ['restarted worker', ({ restarted }) => restarted?.rssMb ?? null],
    ],
  ],
  ['Memory of Redis, MB', [['used', (s) => s.redisUsedMb]]],
  [
    'Streams, entries',
    [
      ['inbox', ({ inbox }) => inbox],
      ['outbox', ({ outbox }) => outbox],
    ],
  ],
  ['Journal, records', [['journal', ({ journal }) => journal]]],
  [
    'Rooms',
    [
      ['held by agents', ({ load }) => load],
      ['in line', ({ line }) => line],
    ],
  ],
  [
    'Webhooks answered, ms',
    [
      ['allocation p50', (s) => s.allocationMs.p50],
      ['its p99', (s) => s.allocationMs.p99],
      ['resolve p50', (s) => s.resolvedMs.p50],
      ['its p99', (s) => s.resolvedMs.p99],
    ],
  ],
  [
    'From accepted to assigned, ms',
    [
      ['agent free, p50', (s) => s.directMs.p50],
      ['p99', (s) => s.directMs.p99],
      ['all, p50', (s) => s.assignedMs.p50],
    ],
  ],
  [
    'Descriptors',
    [
      ['api', ({ api }) => api.descriptors],
      ['worker', ({ worker }) => worker.descriptors],
      ['Redis', ({ redis }) => redis.descriptors],
    ],
  ],
  [
    'CPU, % of a core',
    [
      ['api', ({ api }) => api.cpu * 100],
      ['worker', ({ worker }) => worker.cpu * 100],
      ['Redis', ({ redis }) => redis.cpu * 100],
    ],
  ],
  ['The machine, % idle', [['idle', ({ idle }) => idle * 100]]],
];

/** An SVG of its own height. Samples after the traffic's end are left out. */
export function plot(report: SoakReport, verdicts: readonly Verdict[]): string {
  const samples = report.samples.filter(({ at }) => at <= report.seconds + report.part / 2);
  const rows = Math.ceil(PANELS.length / 2);
  const below = PANEL.top + rows * (PANEL.height + PANEL.gapY);
  const height = below + verdicts.length * LINE + 10;
  const { rate, seconds, agents, customers, restarts } = report;
  const what = `${seconds / 60} minutes at ${rate} chats a second: ${agents} agents, ${customers} customers, ${restarts} restarts of a worker`;
  const list = verdicts.map((verdict, i) => {
    const color = verdict.holds ? '#222' : BROKEN;
    return `  <text x="${PANEL.left}" y="${below + i * LINE}" fill="${color}">${escaped(spell(verdict, report))}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#222">
  <rect width="100%" height="100%" fill="#fff"/>
  <text x="${PANEL.left}" y="22" font-size="15">${escaped(what)}</text>
${PANELS.map(([title, series], nth) => panel(nth, title, series, samples, report)).join('\n')}
${list.join('\n')}
</svg>
`;
}

function panel(nth: number, title: string, series: Series[], samples: Sample[], { seconds, part }: SoakReport): string {
  const x0 = PANEL.left + (nth % 2) * (PANEL.width + PANEL.gapX);
  const y0 = PANEL.top + Math.floor(nth / 2) * (PANEL.height + PANEL.gapY);
  const all = samples.flatMap((sample) => series.map(([, value]) => value(sample) ?? Number.NaN));
  const top = niceAbove(Math.max(1, ...all.filter(Number.isFinite)));
  const x = (at: number) => x0 + (Math.min(at, seconds) / seconds) * PANEL.width;
  const y = (value: number) => y0 + PANEL.height * (1 - value / top);
  const legend = series.map(([name], i) => `<tspan dx="10" fill="${COLORS[i]}">${escaped(name)}</tspan>`).join('');
  const lines = series.map(([, value], i) => {
    const points = samples.map((sample) => [sample.at, value(sample) ?? Number.NaN] as const);
    const path = points
      .map(([at, now], n) => {
        if (!Number.isFinite(now)) return '';
        const begins = n === 0 || !Number.isFinite(points[n - 1]?.[1]);
        return `${begins ? 'M' : 'L'}${x(at).toFixed(1)} ${y(now).toFixed(1)}`;
      })
      .join('');
    return `  <path d="${path}" fill="none" stroke="${COLORS[i]}" stroke-width="1.3"/>`;
  });
  const thirds = [4, 7].map((n) => x(n * part)).map((at) => rule(at, y0, at, y0 + PANEL.height, '#bbb'));
  return `  <text x="${x0}" y="${y0 - 8}" font-weight="bold">${escaped(title)}<tspan font-weight="normal">${legend}</tspan></text>
  <rect x="${x0}" y="${y0}" width="${PANEL.width}" height="${PANEL.height}" fill="#fafafa" stroke="#ddd"/>
  <rect x="${x0}" y="${y0}" width="${(x(part) - x0).toFixed(1)}" height="${PANEL.height}" fill="#eee"/>
${thirds.join('\n')}
${lines.join('\n')}
  <text x="${x0 + 4}" y="${y0 + 12}" fill="#777">${top.toLocaleString('en')}</text>
  <text x="${x0 + 4}" y="${y0 + PANEL.height + 14}" fill="#777">0</text>
  <text x="${x0 + PANEL.width}" y="${y0 + PANEL.height + 14}" text-anchor="end" fill="#777">${(seconds / 60).toLocaleString('en')} min</text>`;
}

const rule = (x1: number, y1: number, x2: number, y2: number, color: string) =>
  `  <line x1="${x1.toFixed(1)}" y1="${y1}" x2="${x2.toFixed(1)}" y2="${y2}" stroke="${color}" stroke-dasharray="3 3"/>`;

/** The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 5, 7.5].find((step) => step * power >= value) ?? 10) * power;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? '');
}
