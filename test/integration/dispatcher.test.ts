/** The dispatcher on a real Redis, against a small HTTP server in the place of Qiscus: its deadlines and its stop. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import pino from 'pino';
import { Dispatcher } from '../../src/dispatch/dispatcher';
import { Ledger, type TakenIntents } from '../../src/ledger/index';
import { Trouble } from '../../src/ledger/trouble';
import { createQiscusClient } from '../../src/qiscus/client';
import { connect, mastersOf } from '../../src/redis/client';
import { type Reply, Scripts } from '../../src/redis/scripts';
import { allocation } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { until } from '../support/wait';

/** Holds back what was taken until the gate opens. */
class GatedLedger extends Ledger {
  readonly reached = Promise.withResolvers<void>();
  readonly gate = Promise.withResolvers<void>();

  override async takeIntents(...args: Parameters<Ledger['takeIntents']>): Promise<TakenIntents> {
    const taken = await super.takeIntents(...args);
    this.reached.resolve();
    await this.gate.promise;
    return taken;
  }
}

/** Holds back confirmations, or what was answered to them, until the gate opens. */
class GatedReports extends Ledger {
  readonly reached = Promise.withResolvers<void>();
  readonly gate = Promise.withResolvers<void>();
  held: 'report' | 'answer' = 'report';

  protected override async run(script: string, ...args: (string | number)[]): Promise<Reply[]> {
    if (script !== 'confirm_assignments') return super.run(script, ...args);
    this.reached.resolve();
    if (this.held === 'report') await this.gate.promise;
    const reply = await super.run(script, ...args);
    await this.gate.promise;
    return reply;
  }
}

onBothRedis((s) => {
  describe('the dispatcher', () => {
    let answer: (request: Request) => Response | Promise<Response>;
    let server: ReturnType<typeof Bun.serve>;
    beforeEach(async () => {
      server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => answer(request) });
      await s.t.roster([{ id: 'a' }]);
      await s.arrive(allocation('1'));
    });
    afterEach(() => server.stop(true));

    function dispatcher(ledger: Ledger, timeoutMs: number, claimMs: number): Dispatcher {
      const app = { appId: 'app', secret: 'secret', email: null, password: null };
      const qiscus = createQiscusClient({ baseUrl: server.url.origin, ...app, timeoutMs });
      const limits = { concurrency: 8, ratePerSecond: 1_000, timeoutMs, claimMs };
      const nowMs = () => s.t.clock.ms;
      const log = pino({ level: 'silent' });
      return new Dispatcher(ledger, qiscus, limits, nowMs, async () => undefined, new Trouble(log), log);
    }

    test('a refusal and the look at the room together end before the intent is taken over', async () => {
      answer = async ({ method }) => {
        if (method === 'GET') return new Promise<Response>(() => undefined);
        await Bun.sleep(1_600);
        return Response.json({ errors: { message: 'Cant join room, exceed max agents' } }, { status: 400 });
      };
      const subject = dispatcher(s.t.ledger, 2_000, 2_200);
      const begun = performance.now();
      subject.poke();
      await until(async () => (await s.eventsOf('1')).includes('room.refused'), { what: 'the report' });
      // With a time-out of its own the look would end after 3.6 s.
      expect(performance.now() - begun).toBeLessThan(3_500);
      await subject.stop(1_000);
    });

    test('a call that a repeated webhook makes anew is made at once, not at the next look of the net', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      await s.take();
      await s.arrive(allocation('1', { finishedService: 7 }));
      const [repeated] = await s.t.desk.readDecisions('1', 1);
      if (!repeated) throw new Error('there is no record');
      expect(repeated.event).toBe('entry.repeated');
      const subject = dispatcher(s.t.ledger, 5_000, 10_000);
      subject.see(repeated);
      await until(async () => (await s.stateOf('1')) === 'assigned', { what: 'the call' });
      await subject.stop(1_000);
    });

    test('a webhook is applied and its call taken in one go: nobody waits for the journal', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      const subject = dispatcher(s.t.ledger, 5_000, 10_000);
      await s.take();
      await s.send(allocation('2'));
      let takes = 0;
      const onTaking = () => {
        takes += 1;
        // Only beside the first take, which applies it.
        if (takes === 1) subject.poke();
      };
      await s.applying(() => until(async () => (await s.stateOf('2')) === 'assigned', { what: 'the call' }), onTaking);
      await subject.stop(1_000);
    });

    test('more than it may call at once: the end of each call brings the next, and nobody else pokes', async () => {
      answer = async (request) => {
        const id = new URLSearchParams(await request.text()).get('agent_id');
        return Response.json({ data: { added_agent: { id } } });
      };
      await s.t.roster(Array.from({ length: 10 }, (_, n) => ({ id: `b${n}` })));
      const rooms = Array.from({ length: 18 }, (_, n) => `more-${n}`);
      await s.arrive(...rooms.map((room) => allocation(room)));
      const subject = dispatcher(s.t.ledger, 5_000, 10_000);
      subject.poke();
      const assigned = async () => (await Promise.all(rooms.map(s.stateOf))).every((state) => state === 'assigned');
      await until(assigned, { what: 'all calls made' });
      await subject.stop(1_000);
    });

    test('two processes never have more than their one concurrency under way, whatever becomes of their connections', async () => {
      const most = { underWay: 0, seen: 0, calls: 0 };
      const clients = [await connect(s.redis.url, 'command'), await connect(s.redis.url, 'command')];
      answer = async (request) => {
        const id = new URLSearchParams(await request.text()).get('agent_id');
        most.calls += 1;
        most.underWay += 1;
        most.seen = Math.max(most.seen, most.underWay);
        // What is on its way in these connections, a take or a confirmation, may have been executed or not.
        if (most.calls % 40 === 0)
          for (const client of clients) for (const node of mastersOf(client)) node.disconnect(true);
        // A confirmation is sent once more then, behind the take that was sent behind it.
        if (most.calls % 10 === 5) await s.client.script('FLUSH');
        await Bun.sleep(2);
        most.underWay -= 1;
        return Response.json({ data: { added_agent: { id } } });
      };
      await s.t.desk.setMaxCustomers(1_000);
      const rooms = Array.from({ length: 160 }, (_, n) => `many-${n}`);
      await s.arrive(...rooms.map((room) => allocation(room)));
      const subjects = clients.map((client) =>
        dispatcher(new Ledger(new Scripts(client, s.t.keys), () => s.t.clock.ms), 2_000, 2_500),
      );
      const assigned = async () => {
        s.t.clock.ms += 100;
        await s.t.ledger.reclaim(2_500, 1_000);
        for (const subject of subjects) subject.poke();
        return (await s.t.desk.readAgent('a'))?.assigned === 161;
      };
      await until(assigned, { what: 'all calls made', withinMs: 30_000 });
      for (const subject of subjects) await subject.stop(5_000);
      for (const client of clients) client.disconnect();
      expect(most.seen).toBe(8);
    }, 60_000);

    test('what follows a confirmation is taken behind it, before its answer is there', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      await s.t.desk.setMaxCustomers(1_000);
      await s.arrive(...Array.from({ length: 8 }, (_, n) => allocation(`more-${n}`)));
      const ledger = new GatedReports(new Scripts(s.client, s.t.keys), () => s.t.clock.ms);
      ledger.held = 'answer';
      const subject = dispatcher(ledger, 5_000, 10_000);
      subject.poke();
      await until(async () => (await s.eventsOf('more-7')).includes('call.sent'), { what: 'the ninth call' });
      ledger.gate.resolve();
      await subject.stop(5_000);
      expect((await s.t.desk.readAgent('a'))?.assigned).toBe(9);
    });

    test('stop waits for confirmations that are on their way or wait for their turn', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      await s.t.desk.setMaxCustomers(1_000);
      const rooms = Array.from({ length: 7 }, (_, n) => `late-${n}`);
      await s.arrive(...rooms.map((room) => allocation(room)));
      const ledger = new GatedReports(new Scripts(s.client, s.t.keys), () => s.t.clock.ms);
      const subject = dispatcher(ledger, 5_000, 10_000);
      subject.poke();
      await ledger.reached.promise;
      let isStopped = false;
      const stopping = subject.stop(5_000).then(() => {
        isStopped = true;
      });
      expect([await s.stateOf('1'), isStopped]).toEqual(['reserved', false]);
      ledger.gate.resolve();
      await stopping;
      expect(await Promise.all(['1', ...rooms].map(s.stateOf))).toEqual(Array(8).fill('assigned'));
    });

    test('stop with a silent Redis ends at its deadline, and what was not heard is taken over', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      const ledger = new GatedReports(new Scripts(s.client, s.t.keys), () => s.t.clock.ms);
      const subject = dispatcher(ledger, 5_000, 10_000);
      subject.poke();
      await ledger.reached.promise;
      await subject.stop(50);
      expect(await s.stateOf('1')).toBe('reserved');
      expect(await s.t.ledger.reclaim(0, 8)).toBe(1);
      ledger.gate.resolve();
      await until(async () => (await s.eventsOf('1')).includes('call.fenced'), { what: 'the late report' });
      expect(await s.theIntent()).toMatchObject({ roomId: '1', unsure: true });
    });

    test('stop waits for calls that were just being taken', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      const ledger = new GatedLedger(new Scripts(s.client, s.t.keys), () => s.t.clock.ms);
      const subject = dispatcher(ledger, 5_000, 10_000);
      subject.poke();
      await ledger.reached.promise;
      const stopping = subject.stop(5_000);
      ledger.gate.resolve();
      await stopping;
      expect(await s.stateOf('1')).toBe('assigned');
    });
  });
});
