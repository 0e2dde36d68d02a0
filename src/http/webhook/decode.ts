/**
 * Turns what Qiscus (or the documented simple example) posts into a `Webhook`. Pure.
 *
 * 1. Reads only what the ledger needs; e-mail, phone, avatar and agents' keys are never looked at.
 * 2. Unknown fields are ignored; missing or odd optional ones count as unknown, never as an error.
 * 3. Another webhook at the wrong address is named, because only a person can correct its URL at Qiscus.
 */
import { ServiceError } from '../../errors';
import { ID } from '../../ids';
import type { Webhook } from '../../ledger/model';
import { shortText } from '../../text';

type Fields = Record<string, unknown>;

/** Keys of a custom button's payload that an allocation never has; two of them tell it apart for certain. */
const BUTTON_KEYS = [
  'additional_info',
  'agent',
  'channel_name',
  'channel_type',
  'customer',
  'customer_properties',
  'tag',
];
/** Keys that only an allocation payload has. */
const ALLOCATION_KEYS = ['source', 'candidate_agent', 'latest_service', 'is_new_session', 'extras', 'avatar_url'];

/** The texts by which a webhook names its Qiscus app; none when it does not say. */
export function appsNamed(body: unknown): unknown[] {
  return isFields(body) ? [body.app_id, body.app_code].filter((app) => app !== undefined && app !== null) : [];
}

/** @throws ServiceError INVALID_BODY, WRONG_WEBHOOK */
export function decodeAllocation(body: unknown): Webhook {
  const fields = fieldsOf(body);
  refuseOthers(fields);
  if (isResolve(fields) || isBareResolve(fields)) {
    throw wrong('a mark-as-resolved webhook', 'set it to /api/v1/webhook/mark_as_resolved');
  }
  return {
    kind: 'allocation',
    roomId: roomIdOf(fields.room_id),
    channelId: isFields(fields.channel) ? idText(fields.channel.id) : null,
    source: shortText(fields.source),
    customerName: shortText(fields.name),
    finishedService: finishedServiceOf(fields.latest_service),
  };
}

/** @throws ServiceError INVALID_BODY, WRONG_WEBHOOK */
export function decodeResolved(body: unknown): Webhook {
  const fields = fieldsOf(body);
  refuseOthers(fields);
  const service = isFields(fields.service) ? fields.service : null;
  if (service === null && isAllocation(fields)) {
    throw wrong('an agent-allocation webhook', 'set it to /api/v1/webhook/agent_allocation');
  }
  return {
    kind: 'resolved',
    roomId: roomIdOf(service === null ? fields.room_id : service.room_id),
    finishedService: service === null ? null : serviceNumber(service.id),
    claimedAgentId: service === null ? idText(fields.agent_id) : null,
  };
}

/**
 * The same webhook for a dry run: with the agent whom Qiscus would pick, or who pressed the button. By these it compares
 * its own choice.
 */
export function withAgentThere(webhook: Webhook, body: unknown): Webhook {
  const fields = fieldsOf(body);
  if (webhook.kind === 'allocation') {
    const candidate = isFields(fields.candidate_agent) ? fields.candidate_agent : {};
    return { ...webhook, candidateAgentId: idText(candidate.id) };
  }
  const by = isFields(fields.resolved_by) && fields.resolved_by.type === 'agent' ? fields.resolved_by : {};
  return { ...webhook, claimedAgentId: webhook.claimedAgentId ?? idText(by.id) };
}

function fieldsOf(body: unknown): Fields {
  if (!isFields(body)) throw new ServiceError('INVALID_BODY', 'The body must be a JSON object with room_id.');
  return body;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseOthers(fields: Fields): void {
  if (fields.webhook_type === 'NEW_SESSION_WEBHOOK' || isFields(fields.room_log)) {
    throw wrong('a new-session webhook', 'this service does not need it: remove that URL');
  }
  if (isFields(fields.payload)) throw wrong('a bot webhook', 'this service does not need it: point it at your bot');
  if (
    fields.source === undefined &&
    fields.service === undefined &&
    BUTTON_KEYS.filter((key) => fields[key] !== undefined).length >= 2
  ) {
    throw wrong('a custom-button webhook', 'this service does not need it: point it at the service behind that button');
  }
}

function wrong(looksLike: string, remedy: string): ServiceError {
  return new ServiceError('WRONG_WEBHOOK', `This looks like ${looksLike}. Correct its URL at Qiscus: ${remedy}.`);
}

/** A real resolve payload: it names its room in `service` only. */
function isResolve(fields: Fields): boolean {
  return isFields(fields.service) && (fields.resolved_by !== undefined || fields.room_id === undefined);
}

/** The documented simple resolve payload: a room and an agent, and nothing of an allocation. */
function isBareResolve(fields: Fields): boolean {
  return fields.agent_id !== undefined && !hasAllocationKeys(fields) && !hasMessage(fields);
}

function isAllocation(fields: Fields): boolean {
  return hasAllocationKeys(fields) || (fields.agent_id === undefined && hasMessage(fields));
}

const hasAllocationKeys = (fields: Fields) => ALLOCATION_KEYS.some((key) => fields[key] !== undefined);
const hasMessage = (fields: Fields) => fields.message !== undefined || fields.customer_id !== undefined;

function roomIdOf(value: unknown): string {
  const roomId = idText(value);
  if (roomId !== null) return roomId;
  throw new ServiceError(
    'INVALID_BODY',
    'room_id must be a text of 1 to 64 of 0-9 A-Z a-z _ - or a whole number below 2^53.',
  );
}

/** An opaque id as text; null when it is neither a proper text nor a safe whole number. */
function idText(value: unknown): string | null {
  if (typeof value === 'string') return ID.test(value) ? value : null;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : null;
}

/** See `Webhook.finishedService`: 0 for null (none finished yet), null for "does not say". */
function finishedServiceOf(latest: unknown): number | null {
  if (latest === null) return 0;
  return isFields(latest) && latest.is_resolved !== false ? serviceNumber(latest.id) : null;
}

function serviceNumber(id: unknown): number | null {
  const value = typeof id === 'string' && /^\d{1,16}$/.test(id) ? Number(id) : id;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
