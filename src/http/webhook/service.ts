/**
 * What a webhook is answered: the outcome that the ledger reached in time, as the documented reply. Pure.
 */
import type { Outcome } from '../../ledger/model';

export interface AllocationReply {
  status: 'success';
  agent_id: string | null;
  state: string;
  /** The inbox id: the order of arrival. */
  entry: string;
  position?: number;
}

/** 200 when nothing more will happen, 202 while something will. */
export function allocationReply(outcome: Outcome): { http: 200 | 202; body: AllocationReply } {
  const { state, entry } = outcome;
  const agentId = 'agentId' in outcome ? outcome.agentId : null;
  const body: AllocationReply = { status: 'success', agent_id: agentId, state, entry };
  if ('position' in outcome) body.position = outcome.position;
  return { http: state === 'assigned' || state === 'resolved' ? 200 : 202, body };
}

export interface ResolvedReply {
  status: 'success';
  message: 'Room marked as resolved.';
  state: 'released' | 'not_held' | 'accepted';
}

/** Always a success: whatever the room's state was, there is nothing for Qiscus to do again. */
export function resolvedReply({ state }: Outcome): ResolvedReply {
  const told = state === 'released' || state === 'accepted' ? state : 'not_held';
  return { status: 'success', message: 'Room marked as resolved.', state: told };
}
