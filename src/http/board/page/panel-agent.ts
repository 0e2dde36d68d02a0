/** One agent in the panel: what it holds, and why it got a chat or did not, since a time; and the hands on it. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { type Agent, call, segment, serviceNowMs } from './api.js';
import { askAgentLimit, askPause } from './hands.js';
import { change, nameIn, state as now, type State } from './state.js';
import { momentText } from './times.js';
import { type AgentDecision, type AgentDecisions, readAgentDecisions } from './why.js';
import { textFor } from './words.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The service walks the journal for it. */
const DECISIONS_EVERY_MS = 10_000;

let agent: Agent | null = null;
let decided: AgentDecisions | null = null;
/** Pages of older ones, as asked for. */
let older: AgentDecision[] = [];
let next: string | null = null;
let sinceMs = 0;
let decidedAtMs = 0;

export function forget(): void {
  agent = decided = next = null;
  older = [];
  sinceMs = serviceNowMs() - HOUR_MS;
}

/** @param isWanted is it still what the panel shows? @throws Refused */
export async function read(id: string, isWanted: () => boolean): Promise<void> {
  const [found, decisions] = await Promise.all([
    call<Agent>('GET', `/agents/${segment(id)}`),
    decided !== null && performance.now() - decidedAtMs < DECISIONS_EVERY_MS
      ? decided
      : readAgentDecisions(id, Math.round(sinceMs), null),
  ]);
  if (!isWanted()) return;
  agent = found;
  if (decided === decisions) return;
  decided = decisions;
  decidedAtMs = performance.now();
  if (older.length === 0) next = decisions.next;
}

async function readOlder(id: string): Promise<void> {
  const page = await readAgentDecisions(id, Math.round(sinceMs), next).catch(() => null);
  if (page === null || now.shown?.id !== id) return;
  older = [...older, ...page.decisions];
  next = page.next;
  change();
}

/** The latest time that a clock showed this. */
function chosen({ currentTarget }: Event): void {
  if (!(currentTarget instanceof HTMLInputElement) || agent === null) return;
  const [hours, minutes] = currentTarget.value.split(':').map(Number);
  if (hours === undefined || minutes === undefined) return;
  const at = new Date(serviceNowMs()).setHours(hours, minutes, 0, 0);
  sinceMs = at > serviceNowMs() ? at - DAY_MS : at;
  decided = null;
  older = [];
  const { id } = agent;
  change();
  void read(id, () => now.shown?.id === id).then(
    () => change(),
    () => undefined,
  );
}

export function draw(state: State): TemplateResult {
  const { words } = state;
  const texts = words.views.panel;
  if (agent === null) return html`<p class="empty">${words.page.loading}</p>`;
  const one = agent;
  const fact = (name: string, value: unknown) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  const standing = one.paused ? texts.paused : one.online ? texts.online : texts.offline;
  const channels = one.channels === null ? texts.all : one.channels.join(', ') || texts.none;
  return html`
    <dl class="facts">
      ${fact(texts.state, standing)}
      ${fact(texts.load, html`${one.load} / ${one.limit} <span class="reason">(${texts.loadOf(one.reserved, one.assigned, one.outside)})</span>`)}
      ${fact(texts.limit, html`${one.limit} ${one.max_customers === null ? nothing : html`<span class="reason">(${texts.ownLimit})</span>`}`)}
      ${fact(texts.channels, channels)}
    </dl>
    <div class="buttons">
      <button type="button" @click=${() => askAgentLimit(one)}>${words.agents.limit}</button>
      <button type="button" @click=${() => askPause(one)}>${one.paused ? words.agents.unpause : words.agents.pause}</button>
    </div>
    <h3>${texts.whyAgent(one.name)}</h3>
    <label class="since">${texts.sinceTime} <input type="time" .value=${clockOf(sinceMs)} @change=${chosen}></label>
    ${decided === null ? html`<p class="empty">${words.page.loading}</p>` : decisions(decided, one.id, state)}`;
}

/** As an input of type time wants it, by this browser's clock. */
function clockOf(ms: number): string {
  const at = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

function decisions(
  { got, refused, dropped, reserved, since, counted_from, passed_over, decisions: newest }: AgentDecisions,
  id: string,
  state: State,
) {
  const { words, language } = state;
  const texts = words.views.panel;
  const passed = Object.entries(passed_over).filter(([, count]) => count > 0);
  const count = passed.reduce((sum, [, n]) => sum + n, 0);
  const tries = Object.entries({ refused, dropped, reserved }).filter(([, n]) => n > 0);
  const list = [...newest, ...older.filter((one) => !newest.some((other) => other.id === one.id))];
  return html`
    <p class="sentence">${texts.got(got, momentText(counted_from, language))}</p>
    ${tally(texts.tried(refused + dropped + reserved), tries, texts.ends)}
    ${Date.parse(counted_from) - Date.parse(since) > 60_000 ? html`<p class="reason">${texts.earlier}</p>` : nothing}
    ${tally(texts.passed(count), passed, texts.passedBy)}
    ${list.length === 0 ? html`<p class="empty">${texts.nothingSince}</p>` : nothing}
    <ol class="timeline">
      ${list.map(
        (one) => html`<li class=${one.verdict === 'chosen' ? 'chosen' : ''}>
          <time datetime=${one.at}>${momentText(one.at, language)}</time>
          <a href="#/rooms/${encodeURIComponent(one.room_id)}">${words.views.letters.room} ${one.room_id}</a>
          <span class="what">${one.verdict === 'chosen' ? (textFor(texts.ends, one.outcome ?? '') ?? texts.passedBy.chosen) : `→ ${nameIn(state, one.agent_id)}`}</span>
          ${one.verdict === 'chosen' ? nothing : html`<span class="reason">${textFor(texts.passedBy, one.verdict) ?? one.verdict}${loads(one, texts)}</span>`}
        </li>`,
      )}
    </ol>
    ${next === null ? nothing : html`<button type="button" @click=${() => readOlder(id)}>${texts.more}</button>`}`;
}

/** How often, and of that each reason. */
function tally(title: string, counts: [string, number][], words: Record<string, string>) {
  if (counts.length === 0) return nothing;
  return html`
    <p class="sentence">${title}</p>
    <ul class="passed">
      ${counts.map(([key, n]) => html`<li><span class="n">${n}×</span> ${textFor(words, key) ?? key}</li>`)}
    </ul>`;
}

/** The numbers behind a verdict, where it is about numbers and they are on record. */
function loads({ verdict, load, limit, chosen_load }: AgentDecision, texts: State['words']['views']['panel']) {
  if (load === null) return '';
  if (verdict === 'full') return ` (${load} / ${limit})`;
  return verdict === 'load' ? ` (${texts.held(load, chosen_load)})` : '';
}
