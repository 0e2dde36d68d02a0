/** What the webhooks accept, for the document and its examples; decode.ts is the rule. */
import { Type } from '@sinclair/typebox';
import { ID } from '../../ids';

const roomId = Type.Union([Type.String({ pattern: ID.source }), Type.Integer({ minimum: 0 })], {
  description: 'Opaque id, or a whole number below 2^53.',
});

export const AllocationBody = Type.Object({
  room_id: roomId,
  message: Type.Optional(Type.String()),
  customer_id: Type.Optional(Type.String()),
});

export const ResolvedBody = Type.Object({
  room_id: Type.Optional(roomId),
  agent_id: Type.Optional(Type.String()),
  service: Type.Optional(Type.Object({ id: Type.Integer(), room_id: roomId })),
});

export const ALLOCATION_EXAMPLES = {
  simple: { room_id: '12345', message: 'Hello, I need help!', customer_id: '67890' },
  qiscus: {
    candidate_agent: null,
    channel: { id: 123, name: 'Our WhatsApp', source: 'wa' },
    email: 'customer@example.com',
    extras: '{}',
    is_new_session: true,
    is_resolved: false,
    latest_service: null,
    name: 'Harpi',
    room_id: '123',
    source: 'wa',
  },
};

export const RESOLVED_EXAMPLES = {
  simple: { room_id: '12345', agent_id: 'agent_01' },
  qiscus: {
    customer: { additional_info: [], avatar: '', name: 'Harpi', user_id: 'customer@example.com' },
    resolved_by: { email: 'admin@example.com', id: 162787, is_available: true, name: 'Admin', type: 'admin' },
    service: { id: 115830865, is_resolved: true, notes: null, room_id: '274083256', source: 'qiscus' },
  },
};
