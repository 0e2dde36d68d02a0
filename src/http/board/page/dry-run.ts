/** The dry run: does our choice agree with the present allocation, and how evenly would we spread the load? Hidden otherwise. */
import { html, nothing, svg, type TemplateResult } from 'lit-html';
import { change, type State, state } from './state.js';
import { numberText, shareText } from './times.js';
import { type DryRun, readDryRun, type Spread } from './why.js';

const READ_EVERY_MS = 5_000;
/** The busiest of either; more would be a wall. */
const MOST_AGENTS = 30;

let found: DryRun | null = null;
let readAtMs = Number.NEGATIVE_INFINITY;

/** @throws Refused */
export async function read(): Promise<void> {
  if (!state.ready?.dry_run || performance.now() - readAtMs < READ_EVERY_MS) return;
  readAtMs = performance.now();
  found = await readDryRun();
  change();
}

export function draw({ words, language, ready }: State): TemplateResult | typeof nothing {
  if (!ready?.dry_run || found === null) return nothing;
  const texts = words.views.dryRun;
  const { agreement, agreed, compared, unknown, spread, average_deviation: even } = found;
  const busiest = found.agents
    .toSorted((a, b) => Math.max(b.given.ours, b.given.theirs) - Math.max(a.given.ours, a.given.theirs))
    .slice(0, MOST_AGENTS);
  const longest = Math.max(1, ...busiest.flatMap(({ given }) => [given.ours, given.theirs]));
  const spreadRow = (who: string, now: Spread | null, usual: number | undefined) => html`<tr>
    <th scope="row">${who}</th>
    ${[now?.least, now?.most, now?.mean, now?.deviation, usual].map(
      (value) => html`<td>${value === undefined ? '–' : numberText(value, language)}</td>`,
    )}
  </tr>`;
  return html`
      <header><h2 id="dry-run-title">${texts.title}</h2></header>
      <div class="inside">
      <p>${texts.explain}</p>
      <p><strong>
        ${agreement === null ? texts.nothing : texts.agreement(shareText(agreement, language), agreed, compared)}
      </strong> ${unknown > 0 ? texts.unknown(unknown) : nothing}</p>
      <table class="data spread">
        <caption>${texts.loads}</caption>
        <thead><tr>
          <td></td>
          ${Object.values(texts.spread).map((name) => html`<th scope="col">${name}</th>`)}
        </tr></thead>
        <tbody>
          ${spreadRow(texts.ours, spread.ours, even?.ours)} ${spreadRow(texts.theirs, spread.theirs, even?.theirs)}
        </tbody>
      </table>
      <table class="data given">
        <caption>${texts.given}</caption>
        <thead><tr>
          <th scope="col">${texts.agent}</th><th scope="col">${texts.ours}</th><th scope="col">${texts.theirs}</th>
        </tr></thead>
        <tbody>
          ${busiest.map(
            ({ id, name, given: { ours, theirs } }) => html`<tr>
              <th scope="row"><a href="#/agents/${encodeURIComponent(id)}">${name}</a></th>
              <td>${bar(ours / longest, 'ours')} ${ours}</td>
              <td>${bar(theirs / longest, 'theirs')} ${theirs}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      </div>`;
}

/** Attributes of a picture, because the page's policy allows no style in an attribute. */
const bar = (share: number, of: string) =>
  html`<svg class="bar ${of}" aria-hidden="true" width="100" height="8">
    ${svg`<rect width=${Math.round(share * 100)} height="8" rx="2"></rect>`}
  </svg>`;
