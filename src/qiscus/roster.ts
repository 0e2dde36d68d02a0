/**
 * Reads the whole list of agents, page by page.
 *
 * 1. Follows whichever paging the answer shows: a cursor, a number of pages, a total, or nothing at all.
 * 2. All or nothing: one failing page fails the reading, so that nobody goes offline because a page was lost.
 * 3. Ends always: at a page without a new agent (a server that ignores our paging repeats page one), or at the bound.
 */
import { classifyFailure, decodeAgents, isSuccess, type PageMeta, toCount, toRosterAgent } from './answers';
import type { Lost, Reply } from './call';
import type { RosterAgent, RosterReading } from './model';

type Query = Record<string, string | number>;

const MAX_PAGES = 1000;
/** What we ask for; Qiscus may give fewer a page (20 seen), so the length of a page says nothing about the end. */
const PAGE_SIZE = 100;

/** Reads all pages through `getPage`. Costs one call a page. */
export async function readRoster(getPage: (query: Query) => Promise<Reply | Lost>): Promise<RosterReading> {
  const agents = new Map<string, RosterAgent | null>();
  let rows = 0;
  let next: Query | null = { page: 1 };
  for (let page = 1; page <= MAX_PAGES; page++) {
    const reply = await getPage({ user_type_scope: 'agent', limit: PAGE_SIZE, ...next });
    if (reply.kind === 'lost') return { kind: 'failed', reason: reply.reason };
    const answer = isSuccess(reply.status) ? decodeAgents(reply.text) : null;
    if (!answer) return classifyFailure(reply);
    const known = agents.size;
    for (const row of answer.data.agents) agents.set(String(row.id), toRosterAgent(row));
    rows += answer.data.agents.length;
    next = agents.size > known ? nextPage(answer.meta ?? {}, page, rows) : null;
    if (next === null) return { kind: 'agents', agents: [...agents.values()].filter((agent) => agent !== null) };
  }
  return { kind: 'failed', reason: `more than ${MAX_PAGES} pages` };
}

/** How to ask for the page after `page`; null at the end. */
function nextPage(meta: PageMeta, page: number, rows: number): Query | null {
  const cursor = meta.after ?? meta.cursor_after;
  if (cursor != null && cursor !== '') return { cursor_after: cursor };
  const pages = toCount(meta.total_page);
  const totalRows = toCount(meta.total_count) ?? toCount(meta.total);
  const isCursorStyle = meta.after !== undefined || meta.cursor_after !== undefined;
  const more = pages !== null ? page < pages : totalRows !== null ? rows < totalRows : !isCursorStyle;
  return more ? { page: page + 1 } : null;
}
