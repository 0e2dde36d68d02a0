/** One room in the panel: where it is, since when, why it waits, what happened to it; and the hands on it. */
import { html, nothing, type TemplateResult } from 'lit-html';
import { type JournalRecord, serviceNowMs } from './api.js';
import { askErase, askRelease, askRequeue, releaseOf } from './hands.js';
import { countsIn, secondsWaited, tell } from './reasons.js';
import { change, nameIn, type State } from './state.js';
import { clockText, durationText, momentText } from './times.js';
import { type Candidate, type Candidates, type RoomDetail, readCandidates, readRoom } from './why.js';
import { textFor } from './words.js';

/** More rows are a wall; the best come first. */
const MOST_SHOWN = 50;
/** The service looks at every agent for it. */
const WHY_EVERY_MS = 3_000;

let room: RoomDetail | null = null;
let why: Candidates | null = null;
let asked = false;
let whyAtMs = 0;

export function forget(): void {
  room = why = null;
  asked = false;
  whyAtMs = 0;
}

/** @param isWanted is it still what the panel shows? @throws Refused */
export async function read(id: string, isWanted: () => boolean): Promise<void> {
  const isDue = asked && performance.now() - whyAtMs >= WHY_EVERY_MS;
  if (isDue) whyAtMs = performance.now();
  const [found, reasons] = await Promise.all([readRoom(id), isDue ? readCandidates(id) : null]);
  if (!isWanted()) return;
  room = found;
  if (asked && reasons !== null) why = reasons;
  // Read a moment apart: reasons for another state than it is in now are asked for anew.
  if (why !== null && why.state !== found.state) {
    why = null;
    whyAtMs = 0;
  }
}

export function draw(state: State): TemplateResult | typeof nothing {
  const { words, language } = state;
  const texts = words.views.panel;
  if (room === null) return html`<p class="empty">${words.page.loading}</p>`;
  const found = room;
  const fact = (name: string, value: unknown) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  const press = async () => {
    asked = !asked;
    why = null;
    change();
    if (!asked) return;
    const reasons = await readCandidates(found.room_id).catch(() => null);
    if (room?.room_id === found.room_id) why = reasons;
    change();
  };
  const waiting = found.state === 'waiting' || found.state === 'reserved';
  const happened = timeline(found, state);
  const agents = asked ? candidates(state) : nothing;
  return html`
    <dl class="facts">
      ${fact(texts.state, html`<span class="state ${found.state}">${textFor(texts.states, found.state) ?? found.state}</span>`)}
      ${found.agent_id ? fact(texts.holder, html`<a href="#/agents/${encodeURIComponent(found.agent_id)}">${nameIn(state, found.agent_id)}</a>`) : nothing}
      ${waits(found, state).map(([name, value]) => fact(name, value))}
      ${fact(texts.since, momentText(found.since, language))}
      ${found.state === 'resolved' ? nothing : fact(texts.channel, found.channel_id ?? texts.none)}
      ${found.source ? fact(texts.source, found.source) : nothing}
      ${found.customer_name ? fact(texts.customer, html`<bdi>${found.customer_name}</bdi>`) : nothing}
      ${found.attempts > 0 ? fact(texts.attempts, found.attempts) : nothing}
    </dl>
    <div class="buttons">
      <button type="button" class="why" aria-expanded=${asked} @click=${press}>${asked ? texts.whyHide : texts.why}</button>
      ${hands(found, state)}
    </div>
    ${asked ? sentence(state) : nothing}
    ${/* What a room that waits no longer had to wait for is past. */ waiting ? [agents, happened] : [happened, agents]}`;
}

/** What happened to it, newest first. */
function timeline({ decisions }: RoomDetail, state: State) {
  const { words, language } = state;
  return html`
    <h3>${words.views.panel.timeline}</h3>
    <ol class="timeline">
      ${runs(decisions).map(({ record, times }) => {
        const { what, why: because } = tell(record, words.why, (id) => nameIn(state, id));
        return html`<li>
          <time datetime=${record.at}>${momentText(record.at, language)}</time>
          <span class="what">${what}</span>${times > 1 ? html` <span class="times">${times}×</span>` : nothing}
          ${because ? html`<span class="reason">${because}</span>` : nothing}
        </li>`;
      })}
    </ol>`;
}

/** How long the customer has waited, and how far in front it is; or how long it had to wait. */
function waits(
  { state, place, position, channel_id, decisions }: RoomDetail,
  { words, language }: State,
): [string, unknown][] {
  const texts = words.views.panel;
  if (state === 'waiting') {
    const where = channel_id === null ? texts.positionAlone : texts.position;
    return [
      [texts.waits, clockText(serviceNowMs() - Number.parseInt(place, 10))],
      [where, position],
    ];
  }
  const waited = secondsWaited(state, decisions);
  return waited === null ? [] : [[texts.waited, durationText(waited, language)]];
}

/** Customers write again and again while they wait: such records in a row are one line. */
function runs(records: readonly JournalRecord[]): { record: JournalRecord; times: number }[] {
  const found: { record: JournalRecord; times: number }[] = [];
  for (const record of records) {
    const last = found.at(-1);
    if (last && record.event === 'entry.repeated' && last.record.event === record.event) last.times += 1;
    else found.push({ record, times: 1 });
  }
  return found;
}

function hands({ room_id, state, customer_name }: RoomDetail, { words, ready }: State) {
  const titles = words.hands;
  const button = (text: string, press: () => void) => html`<button type="button" @click=${press}>${text}</button>`;
  return [
    state === 'parked' ? button(titles.requeue.title, () => askRequeue(room_id, false)) : nothing,
    // A dry run removes nobody.
    state === 'assigned' && !ready?.dry_run ? button(titles.reassign.title, () => askRequeue(room_id, true)) : nothing,
    state === 'resolved' ? nothing : button(titles[releaseOf(state)].title, () => askRelease(room_id, state)),
    customer_name === null ? nothing : button(titles.erase.title, () => askErase(room_id)),
  ];
}

/** Why it is where it is. */
function sentence(state: State) {
  const { words, language } = state;
  const texts = words.views.panel;
  if (why === null) return html`<p class="empty" role="status">${words.page.loading}</p>`;
  const { reason, ahead, due, next, counts } = why;
  const holder = room?.agent_id ?? next;
  const waited = room && secondsWaited(room.state, room.decisions);
  const said = texts.reasons[reason]({
    agent: holder ? nameIn(state, holder) : texts.none,
    ahead,
    due: due === null ? '' : momentText(due, language),
    // Nobody calls less a wait.
    waited: waited !== null && waited >= 1 ? durationText(waited, language) : '',
  });
  const others = countsIn(counts, words.why);
  return html`
    <p class="sentence" role="status">${said}${others ? html` <span class="reason">(${others})</span>` : nothing}</p>`;
}

/** Every agent with a verdict. */
function candidates(state: State) {
  const { words } = state;
  const texts = words.views.panel;
  if (why === null || why.total === 0) return nothing;
  const { total } = why;
  const shown = why.candidates.slice(0, MOST_SHOWN);
  const { agent } = words.agents.columns;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${texts.candidates}>
      <table class="data candidates">
        <caption>${texts.candidates}</caption>
        <thead>
          <tr>
            ${[agent, texts.verdict, texts.load, texts.lastAssigned, texts.seen].map((name) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>${shown.map((one) => candidateRow(one, state))}</tbody>
      </table>
    </div>
    ${total > shown.length ? html`<p>${texts.candidatesOf(shown.length, total)}</p>` : nothing}`;
}

function candidateRow(one: Candidate, { words, language }: State) {
  const texts = words.views.panel;
  const time = (at: string | null) => (at === null ? texts.never : momentText(at, language));
  const verdict =
    one.verdict === 'lost' && one.lost_by !== null ? texts.lostBy[one.lost_by] : texts.verdicts[one.verdict];
  return html`<tr class=${one.verdict}>
    <th scope="row"><a href="#/agents/${encodeURIComponent(one.id)}">${one.name}</a></th>
    <td>${verdict}</td>
    <td title=${texts.loadOf(one.reserved, one.assigned, one.outside)}>${one.load} / ${one.limit}</td>
    <td data-name=${texts.lastAssigned}>${time(one.last_assigned_at)}</td>
    <td data-name=${texts.seen}>${time(one.seen_at)}</td>
  </tr>`;
}
