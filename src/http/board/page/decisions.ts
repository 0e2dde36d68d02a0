/**
 * The last decisions with their reasons, newest first.
 *
 * 1. Takes from the journal's records what a person wants to see: who got a chat and why, refusals, what was mended or
 *    parked, operators' hands; at most MOST of them.
 * 2. Holds still while somebody points at the list or is in it with the keyboard, so that it can be read and pressed.
 */
import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import type { JournalRecord } from './api.js';
import { kindOf, tell } from './reasons.js';
import { change, nameIn, type State } from './state.js';
import { timeText } from './times.js';

const MOST = 60;

let decisions: JournalRecord[] = [];
/** What is shown while the list holds still. */
let held: readonly JournalRecord[] | null = null;
let newest: JournalRecord | undefined;

export function draw(state: State): TemplateResult {
  const texts = state.words.views.decisions;
  take(state.records);
  const shown = held ?? decisions;
  const newer = held === null || !held[0] ? 0 : Math.max(0, decisions.indexOf(held[0]));
  return html`
    <header><h2 id="decisions-title">${texts.title}</h2></header>
    <div class="inside listed">
    ${shown.length === 0 ? html`<p class="empty">${texts.none}</p>` : nothing}
    <ol
      class="decisions"
      @pointerenter=${pointed}
      @pointerleave=${release}
      @focusin=${hold}
      @focusout=${left}
    >
      ${repeat(
        shown,
        ({ id }) => id,
        (record) => row(record, state),
      )}
    </ol>
    <p class="held">${newer > 0 ? texts.held(newer) : nothing}</p>
    </div>`;
}

function hold(): void {
  held ??= decisions;
}

/** A finger that scrolls does not read. */
function pointed({ pointerType }: PointerEvent): void {
  if (pointerType === 'mouse') hold();
}

function release(): void {
  if (document.querySelector('ol.decisions:is(:hover, :focus-within)')) return;
  held = null;
  change();
}

/** The focus has moved when the event is over. */
const left = () => setTimeout(release);

function take(records: readonly JournalRecord[]): void {
  if (records[0] === newest) return;
  const end = newest ? records.indexOf(newest) : records.length;
  newest = records[0];
  const fresh = records.slice(0, end < 0 ? records.length : end).filter((record) => kindOf(record) !== null);
  const known = new Set(decisions.map(({ id }) => id));
  decisions = [...fresh.filter(({ id }) => !known.has(id)), ...decisions].slice(0, MOST);
}

function row(record: JournalRecord, state: State) {
  const { words, language } = state;
  const texts = words.views.decisions;
  const nameOf = (id: string) => nameIn(state, id);
  const { what, why } = tell(record, words.why, nameOf);
  const kind = kindOf(record) ?? 'given';
  const { room, agent } = record.fields;
  const link = room
    ? html`<a href="#/rooms/${encodeURIComponent(room)}">${texts.room} ${room}</a>`
    : agent
      ? html`<a href="#/agents/${encodeURIComponent(agent)}">${nameOf(agent)}</a>`
      : html`<span></span>`;
  return html`<li class="decision ${kind}">
    <time datetime=${record.at}>${timeText(record.at, language)}</time>
    <span class="kind">${texts.kinds[kind]}</span>
    ${link}
    <span class="what">${what}</span>
    ${why ? html`<span class="reason">${why}</span>` : nothing}
  </li>`;
}
