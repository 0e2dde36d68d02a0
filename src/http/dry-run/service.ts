/** What a dry run found out, put together for people; and what it refuses to do. Pure. */
import type { AppConfig } from '../../config';
import { ServiceError } from '../../errors';
import type { AgentView, DryRunFindings } from '../../ledger/model';

/** @throws ServiceError WRONG_STATE in a dry run */
export function refuseInDryRun({ dryRun }: Pick<AppConfig, 'dryRun'>): void {
  if (dryRun) throw new ServiceError('WRONG_STATE', 'Not in a dry run (DRY_RUN): it changes nothing at Qiscus.');
}

/** How evenly rooms lie on agents; null without agents. */
export function spreadOf(loads: readonly number[]) {
  if (loads.length === 0) return null;
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  const variance = loads.reduce((sum, load) => sum + (load - mean) ** 2, 0) / loads.length;
  const deviation = Math.sqrt(variance);
  return { least: Math.min(...loads), most: Math.max(...loads), mean: rounded(mean), deviation: rounded(deviation) };
}

/** Three digits are plenty for people. */
const rounded = (value: number) => Math.round(value * 1_000) / 1_000;

/** @param agents all of the roster; the spread is that of those who are online */
export function dryRunOnWire(dryRun: boolean, findings: DryRunFindings, agents: readonly AgentView[]) {
  const { sources, agreed, unknown, given, loads } = findings;
  const compared = sources.reading + sources.resolver + sources.candidate;
  const online = agents.filter((agent) => agent.online);
  return {
    status: 'success',
    dry_run: dryRun,
    compared,
    agreed,
    unknown,
    agreement: compared === 0 ? null : rounded(agreed / compared),
    sources,
    spread: {
      ours: spreadOf(online.map(({ load }) => load)) ?? NOBODY,
      theirs: spreadOf(online.flatMap(({ id }) => loads.get(id) ?? [])),
    },
    agents: agents.map(({ id, name, load }) => ({
      id,
      name,
      ours: load,
      theirs: loads.get(id) ?? null,
      given: { ours: given.ours.get(id) ?? 0, theirs: given.theirs.get(id) ?? 0 },
    })),
  };
}

const NOBODY = { least: 0, most: 0, mean: 0, deviation: 0 };
