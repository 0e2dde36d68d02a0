/**
 * What the texts about the journal look like: what happened, and why (en-why.ts, id-why.ts). Names of events and reasons are the
 * journal's own (src/ledger/model.ts); what is not here is shown as the journal has it.
 */

/** A journal record, as far as words are about it. */
export interface Recorded {
  event: string;
  fields: Record<string, string>;
}

/** A record's fields, and how its agents are called. */
export interface Told {
  f: Record<string, string | undefined>;
  name: (agentId: string | undefined) => string;
}

/** What happened, and why. */
type Sentence = (told: Told) => [what: string, why?: string];

export interface WhyWords {
  /** Why this agent: `lower` means that the runner-up holds more. */
  fallback: string;
  lowest(load: string, limit: string): string;
  nextBest(name: string, load: string): string;
  sameLoad(name: string): string;
  nobodyElse: string;
  takenFrom(name: string): string;
  /** Of agents: how many are so. */
  counts: Record<'full' | 'paused' | 'offline' | 'aside' | 'off_channel', (count: number) => string>;
  reasons: Record<string, string>;
  answered(status: string): string;
  denied(status: string): string;
  events: Record<string, Sentence>;
}

/** An agent's own limit; -1 stands for the default. */
export function limitIn(limit: string | undefined, standard: string): string {
  return limit === '-1' || limit === undefined ? standard : limit;
}
