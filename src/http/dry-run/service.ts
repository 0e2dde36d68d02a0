/** What a dry run found out, put together for people; and what it refuses to do. Pure. */
import type { AppConfig } from '../../config';
import { ServiceError } from '../../errors';
import { type Spread, spreadOf } from '../../ledger/dry-run';
import type { AgentView, DryRunFindings } from '../../ledger/model';

/** @throws ServiceError WRONG_STATE in a dry run */
export function refuseInDryRun({ dryRun }: Pick<AppConfig, 'dryRun'>): void {
  if (dryRun) throw new ServiceError('WRONG_STATE', 'A dry run (DRY_RUN=true) changes nothing at Qiscus.');
}

/** Three digits are plenty for people. */
const rounded = (value: number) => Math.round(value * 1_000) / 1_000;

const shown = ({ least, most, mean, deviation }: Spread) => ({
  least,
  most,
  mean: rounded(mean),
  deviation: rounded(deviation),
});

/** @param agents all of the roster; the spread is that of those who are online */
export function dryRunOnWire(dryRun: boolean, findings: DryRunFindings, agents: readonly AgentView[]) {
  const { sources, agreed, unknown, given, loads, deviations } = findings;
  const compared = sources.reading + sources.resolver + sources.candidate;
  const online = agents.filter((agent) => agent.online);
  const known = online.flatMap(({ id }) => loads.get(id) ?? []);
  return {
    status: 'success',
    dry_run: dryRun,
    compared,
    agreed,
    unknown,
    agreement: compared === 0 ? null : rounded(agreed / compared),
    sources,
    spread: {
      ours: shown(spreadOf(online.map(({ load }) => load))),
      theirs: known.length === 0 ? null : shown(spreadOf(known)),
    },
    average_deviation:
      deviations.readings === 0
        ? null
        : {
            ours: rounded(deviations.ours / deviations.readings),
            theirs: rounded(deviations.theirs / deviations.readings),
            readings: deviations.readings,
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
