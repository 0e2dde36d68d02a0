/** What the commands rely on of the service's replies. Everything that an older or newer service may lack is optional. */
import { type Static, type TSchema, Type } from '@sinclair/typebox';

const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Text = Type.String();
const Count = Type.Number();
const Flag = Type.Boolean();

export const Health = Type.Object({
  sandbox: Flag,
  dry_run: Type.Optional(Flag),
  failing: Type.Optional(Type.Array(Text)),
  warnings: Type.Optional(Type.Array(Text)),
  alerts: Type.Optional(
    Type.Array(
      Type.Object({
        code: Text,
        since: Type.Optional(Text),
        count: Type.Optional(Count),
        room_id: Type.Optional(Text),
        room_since: Type.Optional(Text),
      }),
    ),
  ),
  /** `HealthNumbers`, unless the store is away. */
  details: Type.Optional(Type.Unknown()),
  apps: Type.Optional(Type.Object({ served: Count, failing: Type.Record(Text, Type.Array(Text)) })),
});
export type Health = Static<typeof Health>;

export const HealthNumbers = Type.Object({
  waiting: Count,
  oldest_waiting_ms: Count,
  parked: Count,
  roster_age_ms: orNull(Count),
  inbox_length: Count,
  outbox_length: Count,
  qiscus: Text,
  qiscus_failures: Count,
});

export const Limit = Type.Object({ max_customers: Count });

export const DryRun = Type.Object({ dry_run: Flag, agreement: orNull(Count), compared: Count });
export type DryRun = Static<typeof DryRun>;

const Rate = Type.Object({
  arrived: Count,
  assigned: Count,
  resolved: Count,
  repaired: Count,
  wait_p50_seconds: orNull(Count),
  wait_p95_seconds: orNull(Count),
});
export const Rates = Type.Object({ minutes: Type.Array(Rate) });
export type Rates = Static<typeof Rates>;

export const Agent = Type.Object({
  id: Text,
  name: Text,
  online: Flag,
  paused: Flag,
  load: Count,
  reserved: Count,
  assigned: Count,
  outside: Count,
  outside_known: Flag,
  limit: Count,
  max_customers: orNull(Count),
  channels: orNull(Type.Array(Text)),
  last_assigned_at: Type.Optional(orNull(Text)),
});
export type Agent = Static<typeof Agent>;
export const Agents = Type.Object({ agents: Type.Array(Agent) });

export const Queue = Type.Object({
  total: Count,
  rooms: Type.Array(Type.Object({ room_id: Text, position: Count, channel_id: orNull(Text), since: Text })),
});

const JournalRecord = Type.Object({ id: Text, event: Text, at: Text, fields: Type.Record(Text, Text) });

export const Room = Type.Object({
  room_id: Text,
  state: Text,
  agent_id: orNull(Text),
  channel_id: orNull(Text),
  source: orNull(Text),
  customer_name: orNull(Text),
  position: orNull(Count),
  since: Text,
  attempts: Count,
  decisions: Type.Array(JournalRecord),
});
export type Room = Static<typeof Room>;

const Candidate = Type.Object({
  id: Text,
  name: Text,
  verdict: Text,
  lost_by: orNull(Text),
  load: Count,
  limit: Count,
  last_assigned_at: orNull(Text),
  seen_at: orNull(Text),
});
export type Candidate = Static<typeof Candidate>;
export const Candidates = Type.Object({
  state: Text,
  at: Text,
  ahead: Count,
  next: orNull(Text),
  reason: Text,
  counts: Type.Record(Text, Count),
  total: Count,
  candidates: Type.Array(Candidate),
});
export type Candidates = Static<typeof Candidates>;

export const AgentDecisions = Type.Object({
  since: Text,
  counted_from: Text,
  got: Count,
  /** Of an older service these are missing: what it got counts every choice. */
  refused: Type.Optional(Count),
  dropped: Type.Optional(Count),
  reserved: Type.Optional(Count),
  passed_over: Type.Record(Text, Count),
  decisions: Type.Array(
    Type.Object({
      at: Text,
      room_id: Text,
      agent_id: Text,
      verdict: Text,
      outcome: Type.Optional(orNull(Text)),
      load: orNull(Count),
      limit: orNull(Count),
      chosen_load: Count,
    }),
  ),
});
export type AgentDecisions = Static<typeof AgentDecisions>;

/** The apps that a token opens. */
export const AppList = Type.Object({ apps: Type.Array(Type.Object({ app_id: Text })) });

export const JournalPage = Type.Object({ records: Type.Array(Type.Object({ id: Text })), next: orNull(Text) });
