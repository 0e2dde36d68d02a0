/**
 * What can be set in the sandbox while it runs, and the faults that can be ordered: types, defaults and schemas.
 */
import { type Static, Type } from '@sinclair/typebox';

const PAGING_STYLES = ['total', 'pages', 'cursor', 'cursor_after', 'bare', 'repeat'] as const;
const Ratio = Type.Number({ minimum: 0, maximum: 1 });
const Millis = Type.Integer({ minimum: 0 });

export const SandboxConfig = Type.Object(
  {
    latencyMs: Type.Integer({
      minimum: 0,
      description: 'Every API answer takes so long; the change happens half-way.',
    }),
    countLagMs: Type.Integer({ minimum: 0, description: 'How late current_customer_count follows, both ways.' }),
    omitCounts: Type.Boolean({ description: 'Leave current_customer_count out.' }),
    pagingStyle: Type.Union(
      PAGING_STYLES.map((style) => Type.Literal(style)),
      {
        description:
          'Agent lists: total (meta.total_count), pages (meta.total_page), cursor (meta.after), cursor_after, ' +
          'bare (no hint of the end), repeat (always page one).',
      },
    ),
    pageSize: Type.Integer({ minimum: 1, maximum: 1000, description: 'Most agents a page, whatever limit asks for.' }),
    ignoreTypeScope: Type.Boolean({ description: 'List the admin and the supervisor too, whatever is asked for.' }),
    cursorTies: Type.Union([Type.Literal('skip'), Type.Literal('repeat')], {
      description: 'customer_rooms: rooms of the same second as the cursor are skipped or repeated on the next page.',
    }),
    dropWebhooks: Type.Number({ minimum: 0, maximum: 1, description: 'Share of webhooks that get lost.' }),
    payloadStyle: Type.Union([Type.Literal('2025'), Type.Literal('2024')], {
      description: '2024: webhooks without app_code and channel.',
    }),
    latestService: Type.Union([Type.Literal('named'), Type.Literal('never')], {
      description: 'never: latest_service is null in every allocation webhook, also when a customer comes back.',
    }),
    allocator: Type.Union([Type.Null(), Type.Literal('round_robin'), Type.Literal('least_busy')], {
      description:
        'Somebody else who assigns every room that waits, as soon as an agent of its channel is online and holds less ' +
        'than `cap`: in turn, or to the least busy. null: nobody.',
    }),
    cap: Type.Union([Type.Null(), Type.Integer({ minimum: 1 })], {
      description: 'An assignment that brings an agent over it is a violation (it is still done).',
    }),
    strangerRooms: Type.Union([Type.Literal('strict'), Type.Literal('lenient')], {
      description:
        'Rooms known only from assign_agent. lenient: such a room is assumed resolved when it is assigned again, and ' +
        'it never counts: somebody tries the service by hand, and nobody tells the sandbox how that goes on.',
    }),
    sameAgentTwice: Type.Union([Type.Literal('refuse'), Type.Literal('accept')]),
    allocationWebhookUrl: Type.Union([Type.Null(), Type.String()], {
      description: 'What an admin entered under Custom Agent Allocation: only shown, webhooks go where /delivery says.',
    }),
    setterNeedsToken: Type.Boolean({ description: 'The webhook setting refuses the app secret (401).' }),
    seed: Type.Integer({ description: 'For everything random here: lost webhooks, faults with a ratio.' }),
  },
  { additionalProperties: false },
);
export type SandboxConfig = Static<typeof SandboxConfig>;

export const defaultConfig: SandboxConfig = {
  latencyMs: 0,
  countLagMs: 0,
  omitCounts: false,
  pagingStyle: 'total',
  pageSize: 100,
  ignoreTypeScope: false,
  cursorTies: 'skip',
  dropWebhooks: 0,
  payloadStyle: '2025',
  latestService: 'named',
  allocator: null,
  cap: null,
  strangerRooms: 'strict',
  sameAgentTwice: 'refuse',
  allocationWebhookUrl: null,
  setterNeedsToken: false,
  seed: 1,
};

export const EFFECTS = [
  'status',
  'hang',
  'reset',
  'garbage',
  'truncate',
  'trickle',
  'redirect',
  'apply_then_status',
  'apply_then_500',
  'apply_then_hang',
  'apply_then_reset',
  'apply_then_garbage',
  'apply_then_truncate',
  'apply_then_trickle',
] as const;

/** An order to misbehave. `on` is a call's name (`assign_agent`) or its path. */
export const Fault = Type.Object(
  {
    on: Type.String({ minLength: 1 }),
    roomId: Type.Optional(Type.String()),
    agentId: Type.Optional(Type.String()),
    /** Let so many calls pass first. Default 0. */
    skip: Type.Optional(Type.Integer({ minimum: 0 })),
    /** How often; null: until cleared. Default 1. */
    times: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 1 })])),
    /** Chance for each call that it could hit. Default 1. */
    ratio: Type.Optional(Ratio),
    effect: Type.Union(EFFECTS.map((effect) => Type.Literal(effect))),
    /** With `status`: default 500. */
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599 })),
    /** With `status`: text is sent as it is, everything else as JSON. */
    body: Type.Optional(Type.Unknown()),
    /** Seconds or an HTTP date. */
    retryAfter: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
    /** With `redirect`: where to. */
    location: Type.Optional(Type.String()),
    /** Wait first. */
    delayMs: Type.Optional(Millis),
  },
  { additionalProperties: false },
);
export type Fault = Static<typeof Fault>;

const RoomFields = {
  channelId: Type.Optional(Type.Union([Type.Null(), Type.String()])),
  source: Type.Optional(Type.String({ minLength: 1 })),
  customerName: Type.Optional(Type.String({ minLength: 1 })),
};
const Sending = {
  text: Type.Optional(Type.String()),
  /** How many copies of the webhook; 0: it is lost. Default 1. */
  copies: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  /** The copies are spread over this time; 0: at once. */
  spreadMs: Type.Optional(Millis),
  /** The first copy goes out so late, with what was true when it should have gone out. Default 0. */
  delayMs: Type.Optional(Millis),
};

export const CreateRoom = Type.Object(
  {
    roomId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    ...RoomFields,
    ...Sending,
    /** How long ago the customer wrote. Default 0. */
    ageMs: Type.Optional(Millis),
  },
  { additionalProperties: false },
);
export type CreateRoom = Static<typeof CreateRoom>;

export const Message = Type.Object(Sending, { additionalProperties: false });
export type Message = Static<typeof Message>;

export const Resolve = Type.Object(
  {
    /** Who presses the button; `agent`: the one in the room. Default agent. */
    by: Type.Optional(Type.Union([Type.Literal('agent'), Type.Literal('admin'), Type.Literal('supervisor')])),
    notes: Type.Optional(Type.String()),
    copies: Sending.copies,
    spreadMs: Sending.spreadMs,
    delayMs: Sending.delayMs,
  },
  { additionalProperties: false },
);
export type Resolve = Static<typeof Resolve>;

export const Hand = Type.Object({ agentId: Type.String({ minLength: 1 }) }, { additionalProperties: false });

export const ChangeAgent = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1 })),
    /** Logged in and set to online. */
    available: Type.Optional(Type.Boolean()),
    forceOffline: Type.Optional(Type.Boolean()),
    /** null: Qiscus sends no list. */
    channelIds: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.String())])),
  },
  { additionalProperties: false },
);
export type ChangeAgent = Static<typeof ChangeAgent>;

export const CreateAgent = Type.Composite(
  [Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }), ChangeAgent],
  { additionalProperties: false },
);
export type CreateAgent = Static<typeof CreateAgent>;

export const DeliverTo = Type.Object(
  { baseUrl: Type.String({ minLength: 1 }), webhookToken: Type.Optional(Type.Union([Type.Null(), Type.String()])) },
  { additionalProperties: false },
);
export type DeliverTo = Static<typeof DeliverTo>;
