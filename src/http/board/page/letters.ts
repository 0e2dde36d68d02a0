/**
 * Dead letters: parked rooms, and webhooks that could not be applied. Not shown while there are none.
 *
 * Reads when a record tells that there may be others, and now and then.
 */
import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import type { JournalRecord } from './api.js';
import { askRemove, askReplay } from './hands.js';
import { reasonIn } from './reasons.js';
import { change, type State, state } from './state.js';
import { momentText } from './times.js';
import { type DeadLetter, readLetters } from './why.js';

const READ_EVERY_MS = 15_000;
const MAY_CHANGE = /^(room\.(parked|requeued|released|reserved|waiting)|entry\.)/;

let letters: readonly DeadLetter[] = [];
let total = 0;
let readAtMs = Number.NEGATIVE_INFINITY;
let newest: JournalRecord | undefined;

/** @throws Refused */
export async function read(): Promise<void> {
  const last = state.records.find(({ event, fields }) => MAY_CHANGE.test(event) && isNews(event, fields));
  if (last === newest && performance.now() - readAtMs < READ_EVERY_MS) return;
  const found = await readLetters();
  [newest, readAtMs] = [last, performance.now()];
  letters = found.dead_letters;
  total = found.total;
  change();
}

/** Most rooms in line never were parked: only a revived one leaves the dead letters. */
const isNews = (event: string, fields: Record<string, string>) =>
  !/^room\.(reserved|waiting)$/.test(event) || fields.session === 'revived';

export function draw({ words, language }: State): TemplateResult | typeof nothing {
  if (letters.length === 0) return nothing;
  const texts = words.views.letters;
  return html`
      <header><h2 id="letters-title">${texts.title} <span class="count">${total}</span></h2></header>
      <div class="inside listed">
      <p>${texts.explain} ${total > letters.length ? texts.more(letters.length, total) : nothing}</p>
      <ul class="letters">
        ${repeat(
          letters,
          ({ id }) => id,
          (letter) => html`<li>
            ${
              letter.room_id === null
                ? html`<span class="what">${texts.entry} ${letter.id.replace('entry-', '')}</span>`
                : html`<a href="#/rooms/${encodeURIComponent(letter.room_id)}">${texts.room} ${letter.room_id}</a>`
            }
            <span class="reason">${reasonIn(letter.reason, words.why)}</span>
            <span class="facts">
              ${texts.since} <time datetime=${letter.since}>${momentText(letter.since, language)}</time>,
              ${texts.attempts} ${letter.attempts}
            </span>
            <span class="buttons">
              <button type="button" @click=${() => askReplay(letter)}>${texts.replay}</button>
              <button type="button" @click=${() => askRemove(letter)}>${texts.delete}</button>
            </span>
          </li>`,
        )}
      </ul>
      </div>`;
}
