/**
 * The past hour: chats a minute, and how long customers waited, as two small charts.
 *
 * 1. Reads /rates every few seconds while something happens; the service counts, the page only draws.
 * 2. Colours are the style sheet's, so that light and dark need nothing here but a redraw.
 * 3. A picture says nothing to a screen reader: beside it stand the sums in a sentence, and all numbers in a table.
 */
import { html, nothing, type TemplateResult } from 'lit-html';
import uPlot from 'uplot';
import { change, type State } from './state.js';
import { durationText, minuteText } from './times.js';
import { type Minute, readRates } from './why.js';
import type { Language } from './words.js';

const READ_EVERY_MS = 5_000;
const HEIGHT_PX = 140;
/** A service that has just begun has no hour to show. */
const LEAST_MINUTES = 15;

let minutes: readonly Minute[] = [];
let complete = true;
let readAtMs = Number.NEGATIVE_INFINITY;
let tableOpen = false;

/** @throws Refused */
export async function read(): Promise<void> {
  if (performance.now() - readAtMs < READ_EVERY_MS) return;
  readAtMs = performance.now();
  const told = await readRates();
  complete = told.complete;
  const first = told.minutes.findIndex(({ arrived, reserved, resolved }) => arrived + reserved + resolved > 0);
  minutes = told.minutes.slice(first < 0 ? -LEAST_MINUTES : Math.min(first, told.minutes.length - LEAST_MINUTES));
  change();
}

export function draw({ words, language }: State): TemplateResult {
  const texts = words.views.charts;
  return html`
    <header><h2 id="charts-title">${texts.title}</h2></header>
    <div class="inside">
    <div class="charts">
      <figure><figcaption>${texts.minuteTitle}</figcaption><div class="plot" aria-hidden="true"></div></figure>
      <figure><figcaption>${texts.waitTitle}</figcaption><div class="plot" aria-hidden="true"></div></figure>
    </div>
    <p class="sums">${sums(texts, language)} ${complete ? nothing : texts.past}</p>
    <details @toggle=${opened}>
      <summary>${texts.table}</summary>
      ${tableOpen ? table(texts, language) : nothing}
    </details>
    </div>`;
}

function opened({ currentTarget }: Event): void {
  if (currentTarget instanceof HTMLDetailsElement) tableOpen = currentTarget.open;
  change();
}

type Texts = State['words']['views']['charts'];

/** What both pictures say, in a sentence or two. */
function sums(texts: Texts, language: Language): string {
  const sum = (of: (minute: Minute) => number) => minutes.reduce((total, minute) => total + of(minute), 0);
  const said = texts.summary(
    sum((minute) => minute.arrived),
    sum((minute) => minute.assigned),
    sum((minute) => minute.resolved),
    sum((minute) => minute.repaired),
  );
  const last = minutes.findLast(({ wait_p50_seconds }) => wait_p50_seconds !== null);
  if (!last) return `${said} ${texts.noWaits}`;
  const [half, most] = [last.wait_p50_seconds ?? 0, last.wait_p95_seconds ?? 0];
  const at = minuteText(Date.parse(last.at), language);
  return `${said} ${texts.waits(at, durationText(half, language), durationText(most, language))}`;
}

function table(texts: Texts, language: Language) {
  const time = (seconds: number | null) => (seconds === null ? '–' : durationText(seconds, language));
  const busy = minutes.filter(
    ({ arrived, assigned, resolved, reserved }) => arrived + assigned + resolved + reserved > 0,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${texts.title}>
    <table class="data">
      <thead>
        <tr>
          <th scope="col">${texts.minute}</th><th scope="col">${texts.arrived}</th>
          <th scope="col">${texts.assigned}</th><th scope="col">${texts.resolved}</th>
          <th scope="col">${texts.half}</th><th scope="col">${texts.most}</th>
        </tr>
      </thead>
      <tbody>
        ${busy.toReversed().map(
          (minute) => html`<tr>
            <th scope="row">${minuteText(Date.parse(minute.at), language)}</th>
            <td>${minute.arrived}</td><td>${minute.assigned}</td><td>${minute.resolved}</td>
            <td>${time(minute.wait_p50_seconds)}</td><td>${time(minute.wait_p95_seconds)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

interface Line {
  label: string;
  /** Custom property of the style sheet. */
  color: string;
  dash?: number[];
  /** Share of a minute's width that its bar takes. A minute between two without anything is seen as a bar, never as a line. */
  bars?: number;
  /** Of bars, where it is another one. */
  fill?: string;
}

/** Chats are whole. */
const WHOLE = { incrs: [1, 2, 5].flatMap((n) => [n, n * 10, n * 100, n * 1_000]).sort((a, b) => a - b) };

let plots: uPlot[] = [];
/** What the plots were made for, and what they show. */
let madeFor: Language | null = null;
let shown: { minutes: readonly Minute[]; ink: string } | null = null;

/** Draws the pictures into what `draw` has put into the page. */
export function paint({ words, language }: State): void {
  const [flow, wait] = document.querySelectorAll<HTMLElement>('#charts .plot');
  if (!flow || !wait) return;
  const texts = words.views.charts;
  if (madeFor !== language) {
    madeFor = language;
    shown = null;
    for (const one of plots) one.destroy();
    const counts = [
      { label: texts.arrived, color: '--chart-1', fill: '--chart-1-fill', bars: 0.7 },
      { label: texts.assigned, color: '--chart-2' },
      { label: texts.resolved, color: '--chart-3', dash: [6, 4] },
    ];
    const waits = [
      { label: texts.most, color: '--chart-4', bars: 0.7 },
      { label: texts.half, color: '--chart-2', bars: 0.35 },
    ];
    plots = [
      newPlot(flow, counts, String, texts, language, WHOLE),
      newPlot(wait, waits, (value) => durationText(value, language), texts, language),
    ];
  }
  const ink = colorOf(flow, '--chart-ink');
  if (shown?.minutes === minutes && shown.ink === ink) return;
  shown = { minutes, ink };
  const at = minutes.map((minute) => Date.parse(minute.at) / 1000);
  const of = (value: (minute: Minute) => number | null) => minutes.map(value);
  plots[0]?.setData([at, of((one) => one.arrived), of((one) => one.assigned), of((one) => one.resolved)]);
  plots[1]?.setData([at, of((one) => one.wait_p95_seconds), of((one) => one.wait_p50_seconds)]);
  for (const one of plots) tellLast(one);
}

/** @param steps between the lines of the grid, where not any will do */
function newPlot(
  target: HTMLElement,
  lines: Line[],
  say: (value: number) => string,
  texts: Texts,
  language: Language,
  steps: Pick<uPlot.Axis, 'incrs'> = {},
) {
  const color = (name: string) => () => colorOf(target, name);
  const ink = color('--chart-ink');
  const axis = { stroke: ink, grid: { stroke: color('--chart-grid'), width: 1 }, ticks: { show: false } };
  const made = new uPlot(
    {
      width: Math.max(1, target.clientWidth),
      height: HEIGHT_PX,
      // Half a label stands out at either end.
      padding: [12, 22, 0, 0],
      cursor: { drag: { setScale: false, x: false, y: false }, y: false },
      // The bars of the first and the last minute are whole.
      scales: {
        x: { range: (_, from, to) => [from - 30, to + 30] },
        y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] },
      },
      axes: [
        {
          ...axis,
          size: 28,
          grid: { show: false },
          values: (_, at) => at.map((seconds) => minuteText(seconds * 1000, language)),
        },
        { ...axis, size: 56, values: (_, at) => at.map((value) => say(value)), space: 36, ...steps },
      ],
      series: [
        { label: texts.minute, value: (_, at) => (at === null ? '' : minuteText(at * 1000, language)) },
        ...lines.map((line) => ({
          label: line.label,
          stroke: color(line.color),
          value: (_: uPlot, value: number | null) => (value === null ? '–' : say(value)),
          width: 2,
          points: { show: false },
          ...(line.dash && { dash: line.dash }),
          ...(line.bars && {
            fill: color(line.fill ?? line.color),
            paths: uPlot.paths.bars?.({ size: [line.bars, 18 * line.bars] }),
            width: 0,
          }),
        })),
      ],
      hooks: { setCursor: [tellLast] },
    },
    [[], ...lines.map(() => [])],
    target,
  );
  new ResizeObserver(() => made.setSize({ width: Math.max(1, target.clientWidth), height: HEIGHT_PX })).observe(target);
  return made;
}

/** Where nobody points, the legend tells the last minute that there is something to tell of. */
function tellLast(plot: uPlot): void {
  const [at, ...lines] = plot.data;
  const last = Array.from(at).findLastIndex((_, index) => lines.some((line) => line[index]));
  if (typeof plot.cursor.idx !== 'number' && at.length > 0) plot.setLegend({ idx: last < 0 ? at.length - 1 : last });
}

const colorOf = (element: HTMLElement, name: string) => getComputedStyle(element).getPropertyValue(name).trim();

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => change());
