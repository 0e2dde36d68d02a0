/** How a dry run's choices compare with those of the allocation beside it. */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { describe } from '../describe';
import { dryRunOnWire } from './service';

export function dryRun(apps: Apps) {
  return new Elysia({ prefix: '/api/v1' }).get(
    '/dry_run',
    async ({ request }) => {
      const { desk, config } = apps.of(request);
      const [findings, agents] = await Promise.all([desk.readDryRun(), desk.listAgents()]);
      return dryRunOnWire(config.dryRun, findings, agents);
    },
    { detail: READ },
  );
}

const READ = describe({
  tag: 'Journal',
  summary: 'A dry run beside the present allocation',
  description:
    '`compared` chats of which it is known who got them at Qiscus (`sources`: who was read to be in the room, who resolved it, or only whom Qiscus itself would have picked), `agreed` of them with our choice; `unknown`: nobody told. `spread` of the rooms that agents who are online hold now, in our books and at Qiscus, and `average_deviation` of it since the beginning (0: perfectly even). By agent: rooms held now, and all chats `given`. Without DRY_RUN all is 0.',
  access: 'admin',
  store: true,
  replies: {
    200: {
      means: 'The comparison so far.',
      example: {
        status: 'success',
        dry_run: true,
        compared: 200,
        agreed: 150,
        unknown: 4,
        agreement: 0.75,
        sources: { reading: 180, resolver: 15, candidate: 5 },
        spread: {
          ours: { least: 1, most: 2, mean: 1.5, deviation: 0.5 },
          theirs: { least: 0, most: 5, mean: 1.5, deviation: 1.8 },
        },
        average_deviation: { ours: 0.4, theirs: 1.6, readings: 8_640 },
        agents: [{ id: 'agent_01', name: 'Agent 1', ours: 2, theirs: 5, given: { ours: 33, theirs: 61 } }],
      },
    },
  },
});
