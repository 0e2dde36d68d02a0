/** The few numbers that a lead looks at first: how many wait and for how long, who is there, what is free. */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { Agent } from './api.js';
import { askDefaultLimit } from './hands.js';
import type { State } from './state.js';
import { clockText } from './times.js';

/** Places that could take a room now: of agents who are online and not paused. */
const freePlaces = (agents: readonly Agent[]) =>
  agents.reduce((sum, { online, paused, load, limit }) => sum + (online && !paused ? Math.max(0, limit - load) : 0), 0);

export function draw({ words, agents, waiting, ready, defaultLimit }: State): TemplateResult {
  const { glance } = words;
  const details = ready?.details;
  const present = agents?.filter((agent) => agent.online) ?? [];
  const paused = present.filter((agent) => agent.paused).length;
  // From a list that is old nobody knows who is there.
  const isOld = [...(ready?.failing ?? []), ...(details?.failing ?? [])].includes('roster');
  const online = isOld ? '?' : present.length;
  const free = agents === null ? null : isOld ? '?' : freePlaces(agents);
  return html`
    <h2 id="glance-title" class="unseen">${glance.title}</h2>
    <dl>
      ${figure(glance.waiting, waiting, waiting && free === 0 ? 'warm' : '')}
      ${figure(glance.oldest, waiting ? clockText(details?.oldest_waiting_ms ?? 0) : waiting === 0 ? '–' : null)}
      ${figure(
        glance.online,
        agents && glance.of(online, agents.length),
        isOld ? 'warm' : agents && present.length === paused ? 'hot' : '',
        paused > 0 && !isOld ? glance.paused(paused) : '',
      )}
      ${figure(glance.free, free, free === 0 ? 'warm' : '')}
      ${figure(glance.parked, details?.parked ?? null, details?.parked ? 'warm' : '')}
      <div>
        <dt>${glance.limit}</dt>
        <dd>${defaultLimit ?? '…'} <button type="button" class="quiet" @click=${askDefaultLimit}>${glance.change}</button></dd>
      </div>
    </dl>`;
}

const figure = (name: string, value: string | number | null, look: string | number | null = '', beside = '') =>
  html`<div><dt>${name}</dt><dd class=${look || ''}>${value ?? '…'}${beside ? html` <small>${beside}</small>` : nothing}</dd></div>`;
