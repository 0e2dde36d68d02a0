/**
 * The agents: who is there, what each holds against its limit, and the two things that an operator sets.
 *
 * 1. Those who can get rooms come first, then paused, then offline; within that as chosen.
 * 2. While a pointer or the focus is in the table its order stays: nobody presses a button that has just moved.
 */
import { html, nothing, type TemplateResult } from 'lit-html';
import { guard } from 'lit-html/directives/guard.js';
import { repeat } from 'lit-html/directives/repeat.js';
import type { Agent } from './api.js';
import { askAgentLimit, askPause } from './hands.js';
import { change, type State } from './state.js';
import { minuteText } from './times.js';
import type { Words } from './words.js';

type Standing = keyof Words['agents']['states'];
type Sort = keyof Words['agents']['sorts'];

const STANDINGS: readonly Standing[] = ['free', 'full', 'paused', 'offline'];
/** More slots than this are no longer told apart in a bar. */
const MOST_TICKS = 24;

let wanted = '';
let only: Standing | null = null;
let sort: Sort = 'attention';
/** The order in which they stand, by id. */
let order = new Map<string, number>();

function standingOf({ online, paused, load, limit }: Agent): Standing {
  if (!online) return 'offline';
  if (paused) return 'paused';
  return load >= limit ? 'full' : 'free';
}

const isReady = (agent: Agent) => (agent.online ? (agent.paused ? 1 : 0) : 2);
const fullness = ({ load, limit }: Agent) => load / limit;
const { compare } = new Intl.Collator(undefined, { numeric: true });
const byName = (a: Agent, b: Agent) => compare(a.name, b.name) || (a.id < b.id ? -1 : 1);
const SORTS: Record<Sort, (a: Agent, b: Agent) => number> = {
  attention: (a, b) => fullness(b) - fullness(a),
  free: (a, b) => b.limit - b.load - (a.limit - a.load),
  name: () => 0,
};

function sorted(agents: readonly Agent[]): Agent[] {
  const isHeld = document.querySelector('#agents tbody:is(:hover, :focus-within)') !== null;
  const fresh = (a: Agent, b: Agent) => isReady(a) - isReady(b) || SORTS[sort](a, b) || byName(a, b);
  const place = ({ id }: Agent) => order.get(id) ?? Number.POSITIVE_INFINITY;
  const result = agents.toSorted(isHeld ? (a, b) => Math.sign(place(a) - place(b)) || fresh(a, b) : fresh);
  order = new Map(result.map(({ id }, index) => [id, index]));
  return result;
}

function fits(agent: Agent): boolean {
  const texts = [agent.name, agent.id, ...(agent.channels ?? [])];
  return (only === null || standingOf(agent) === only) && texts.some((text) => text.toLowerCase().includes(wanted));
}

function sought({ currentTarget }: Event): void {
  if (currentTarget instanceof HTMLInputElement) wanted = currentTarget.value.trim().toLowerCase();
  change();
}

function ordered({ currentTarget }: Event): void {
  const chosen = currentTarget instanceof HTMLSelectElement ? currentTarget.value : '';
  if (Object.hasOwn(SORTS, chosen)) sort = chosen as Sort;
  order = new Map();
  change();
}

function narrow(standing: Standing | null): void {
  only = standing;
  change();
}

export function draw({ words: all, language, agents, shown }: State): TemplateResult {
  const words = all.agents;
  const count = (standing: Standing) => agents?.filter((agent) => standingOf(agent) === standing).length ?? 0;
  const chip = (standing: Standing | null, name: string, n: number) => html`
    <button type="button" class="chip" aria-pressed=${only === standing} @click=${() => narrow(standing)}>
      ${name} <span class="n">${n}</span>
    </button>`;
  return html`
    <header>
      <h2 id="agents-title">${words.title}</h2>
      <div class="chips" role="group" aria-label=${words.columns.state}>
        ${chip(null, words.all, agents?.length ?? 0)}
        ${STANDINGS.map((standing) => chip(standing, words.states[standing], count(standing)))}
      </div>
      <div class="find">
        <input type="search" aria-label=${words.find} placeholder=${words.findHint} @input=${sought}>
        <select aria-label=${words.sort} @change=${ordered}>
          ${Object.entries(words.sorts).map(([value, name]) => html`<option value=${value}>${name}</option>`)}
        </select>
      </div>
    </header>
    ${guard([agents, all, wanted, only, sort, shown], () => table(agents, all, language, shown))}
    <ul class="legend" aria-hidden="true">
      ${Object.entries(words.legend).map(([name, text]) => html`<li class=${name}>${text}</li>`)}
      <li class="own">* ${words.own}</li>
    </ul>`;
}

function table(agents: State['agents'], all: Words, language: State['language'], shown: State['shown']) {
  const words = all.agents;
  if (agents === null) return html`<p class="empty">${all.page.loading}</p>`;
  if (agents.length === 0) return html`<p class="empty">${words.unread}</p>`;
  const visible = sorted(agents).filter(fits);
  const { agent, state, load, channels, last, hands } = words.columns;
  return html`
    <div class="scroll" tabindex="0" role="group" aria-labelledby="agents-title">
      <table role="table" aria-labelledby="agents-title">
        <thead role="rowgroup">
          <tr role="row">
            ${[agent, state, load, channels, last, hands].map((name) => html`<th role="columnheader" scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${repeat(
            visible,
            ({ id }) => id,
            (one) => row(one, words, language, shown),
          )}
        </tbody>
      </table>
      ${visible.length === 0 ? html`<p class="empty">${words.nobody}</p>` : nothing}
    </div>`;
}

function row(agent: Agent, words: Words['agents'], language: State['language'], shown: State['shown']) {
  const standing = standingOf(agent);
  const isShown = shown?.kind === 'agent' && shown.id === agent.id;
  const { channels } = agent;
  const channelText = channels === null ? words.every : channels.length === 0 ? words.none : channels.join(', ');
  const last = agent.last_assigned_at ? minuteText(Date.parse(agent.last_assigned_at), language) : '–';
  return html`
    <tr role="row" class="${standing} ${isShown ? 'shown' : ''}">
      <td role="cell" class="who">
        <button type="button" class="link" title=${words.open} @click=${() => change({ shown: { kind: 'agent', id: agent.id } })}>
          <bdi>${agent.name}</bdi>
        </button>
        <bdi class="id">${agent.id === agent.name ? '' : agent.id}</bdi>
      </td>
      <td role="cell" class="standing"><span class="dot ${standing}"></span>${words.states[standing]}</td>
      <td role="cell" class="load">${bar(agent, words)}
        <span class="n ${agent.load > agent.limit ? 'over' : ''}" title=${agent.max_customers === null ? nothing : words.own}>
          ${agent.load}${agent.outside_known ? '' : html`<span title=${words.unknown}>?</span>`}<span class="of"> / ${agent.limit}${agent.max_customers === null ? '' : '*'}</span>
        </span>
      </td>
      <td role="cell" class="channels" title=${channelText}><bdi>${channelText}</bdi></td>
      <td role="cell" class="last">${last}</td>
      <td role="cell" class="do">
        <button type="button" aria-label="${words.limit}: ${agent.name}" @click=${() => askAgentLimit(agent)}>${words.limit}</button>
        <button type="button" aria-label="${agent.paused ? words.unpause : words.pause}: ${agent.name}" @click=${() => askPause(agent)}>
          ${agent.paused ? words.unpause : words.pause}
        </button>
      </td>
    </tr>`;
}

/** What the agent holds against its limit. Longer than the limit when it holds more. */
function bar({ assigned, reserved, outside, limit, load }: Agent, words: Words['agents']) {
  const slots = Math.max(limit, load);
  const part = (look: string, n: number) =>
    n > 0 ? html`<i class=${look} .style=${`width:${(100 * n) / slots}%`}></i>` : nothing;
  return html`
    <span class="bar ${slots > MOST_TICKS ? 'smooth' : ''}" role="img" .style=${`--slots:${slots}`}
      aria-label=${words.bar(assigned, reserved, outside, limit)}>
      ${part('assigned', assigned)}${part('reserved', reserved)}${part('outside', outside)}
    </span>`;
}
