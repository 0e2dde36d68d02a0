/** An operator's hands on one room. */
import { ServiceError } from '../../errors';
import type { HandResult, LedgerDesk } from '../../ledger/model';
import type { Qiscus } from '../../qiscus/model';

/**
 * Puts a room back to its old place in line. With `removeAgent` an assigned room too: its agent is removed at Qiscus
 * first, because a room that somebody still serves there must not be offered to anybody. If it went to somebody else meanwhile,
 * nothing is changed here.
 * @throws ServiceError ROOM_UNKNOWN, WRONG_STATE, QISCUS_REFUSED
 */
export async function requeue(
  desk: LedgerDesk,
  qiscus: Pick<Qiscus, 'removeAgent'>,
  roomId: string,
  removeAgent: boolean,
) {
  const room = removeAgent ? await desk.readRoom(roomId) : null;
  const held = room?.state === 'assigned' ? room : null;
  if (held?.agentId && !(await qiscus.removeAgent(roomId, held.agentId))) {
    // It refused, or did not answer: then it may have done it, and a comparison puts the agent back.
    throw new ServiceError(
      'QISCUS_REFUSED',
      'Qiscus did not confirm that the agent is removed: nothing was changed here.',
    );
  }
  return handReply(roomId, await desk.requeueRoom(roomId, held?.token ?? null));
}

/** @throws ServiceError ROOM_UNKNOWN, WRONG_STATE */
export function handReply(roomId: string, result: HandResult) {
  if (result.kind === 'unknown') throw unknownRoom();
  if (result.kind === 'wrong_state') {
    throw new ServiceError('WRONG_STATE', `Not possible: the room is ${result.state}.`);
  }
  return { status: 'success', room_id: roomId, state: result.state };
}

export const unknownRoom = () => new ServiceError('ROOM_UNKNOWN', 'This service does not know such a room.');
