/** What everybody at the board has to know now: trouble first, then what should be mended, then what kind of service it is. */
import { html, type TemplateResult } from 'lit-html';
import type { State } from './state.js';
import { textFor, timeText } from './words.js';

interface Notice {
  look: 'bad' | 'warn' | 'plain';
  text: string;
  /** What it is about, as the service writes it: an id, a number, a time. */
  about?: string;
}

/** All notices, the worst first. A word of the API without a text of ours is shown as it is. */
function noticesOf({ words, language, link, trouble, ready }: State): Notice[] {
  const { banner } = words;
  const notices: Notice[] = [];
  const add = (look: Notice['look'], text: string, about?: string) => notices.push({ look, text, about });
  const isUnknown = trouble === 'UNAUTHORIZED' || trouble === 'TOO_MANY_FAILURES';
  if (isUnknown) add('bad', banner.unauthorized);
  else if (link === 'lost') add('bad', banner.lost);
  const failing = new Set([...(ready?.failing ?? []), ...(ready?.details?.failing ?? [])]);
  for (const part of failing) add('bad', textFor(banner.failing, part) ?? part);
  if (trouble !== null && !isUnknown && link !== 'lost' && failing.size === 0) {
    add('bad', banner.unreadable, textFor(words.errors, trouble) ?? trouble);
  }
  for (const { code, since, count, agent_id, room_id } of ready?.alerts ?? []) {
    const about = [room_id ?? agent_id, count, since && banner.since(timeText(since, language))];
    add('warn', textFor(banner.alerts, code) ?? code, about.filter((part) => part !== undefined).join(' · '));
  }
  const state = ready?.details?.qiscus;
  if (state !== undefined && Object.hasOwn(banner.qiscus, state)) add('warn', textFor(banner.qiscus, state) ?? state);
  for (const word of ready?.warnings ?? []) add('warn', textFor(banner.warnings, word) ?? word);
  if (ready?.dry_run) add('plain', banner.dryRun);
  if (ready?.sandbox) add('plain', banner.sandbox);
  return notices;
}

export const draw = (state: State): TemplateResult => html`
  <ul class="notices">
    ${noticesOf(state).map(
      ({ look, text, about }) =>
        html`<li class=${look}>${text}${about ? html` <bdi class="about">${about}</bdi>` : ''}</li>`,
    )}
  </ul>`;
