/** Slack as a place for warnings and errors, against a fake of its incoming webhook over real HTTP. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { SlackLog, type SlackOptions } from '../../src/log-slack';
import { createLogger, LOG_FILE } from '../../src/logger';
import { type SlackPlan, startFakeSlack } from '../support/slack';
import { until } from '../support/wait';

/** Answers are waited for, on any machine. */
const QUICK = { gapMs: 10, pauseMs: 10, timeoutMs: 10_000 };
/** For a Slack that hangs. */
const HASTY = { ...QUICK, timeoutMs: 500 };

let slack: Awaited<ReturnType<typeof startFakeSlack>>;
let reports: string[];
let open: SlackLog[];
beforeEach(async () => {
  slack = await startFakeSlack();
  [reports, open] = [[], []];
});
afterEach(async () => {
  await Promise.all(open.map((log) => log.settle(0)));
  await slack.stop();
});

function start(options: SlackOptions = QUICK): SlackLog {
  // What a test before this one still has to say is not ours.
  const mine = reports;
  const log = new SlackLog(slack.url, (event, fields) => mine.push(`${event} ${JSON.stringify(fields)}`), options);
  open.push(log);
  return log;
}
const line = (fields: object, level = 'warn') => `${JSON.stringify({ level, time: 't', role: 'all', ...fields })}\n`;
const arrives = (count: number) => until(() => slack.messages.length >= count, { what: `${count} messages` });

describe('a message', () => {
  test('has several lines, counts equal ones, and says where and what', async () => {
    const log = start();
    for (const n of [1, 2, 2]) log.add(line({ event: 'room.parked', msg: 'room.parked', room: `r${n}`, app: 'shop' }));
    log.add(line({ event: 'alert.raised', msg: 'nobody is online', code: 'nobody_online', about: 'r9' }, 'error'));
    log.add(line({ event: 'alert.cleared', msg: 'over after 3 min: nobody is online', code: 'nobody_online' }));
    await arrives(1);
    expect(slack.messages).toEqual([
      [
        ':warning: room.parked — app shop, room r1',
        ':warning: room.parked — app shop, room r2 (×2)',
        ':red_circle: alert.raised: nobody is online — code nobody_online, first room r9',
        ':white_check_mark: alert.cleared: over after 3 min: nobody is online — code nobody_online',
      ].join('\n'),
    ]);
    expect(slack.asked[0]?.type).toContain('application/json');
  });

  test('shows nothing that was not named, and marks of Slack as text', async () => {
    const log = start();
    log.add(
      line({
        event: 'x',
        msg: 'hi <!channel> & <https://x|y>\n\u0007\u202e',
        customer: 'Budi',
        err: { type: 'TypeError', message: 'Siti' },
      }),
    );
    await arrives(1);
    expect(slack.messages).toEqual([':warning: x: hi &lt;!channel&gt; &amp; &lt;https://x|y&gt; \\u202e — TypeError']);
  });

  test('is made of warnings and worse only, and never of lines about Slack', async () => {
    const log = start();
    log.add(line({ event: 'a' }, 'info'));
    log.add(line({ event: 'slack.unsent' }));
    log.add('{"level":"warn", broken');
    log.add(line({ event: 'b' }, 'fatal'));
    await arrives(1);
    expect(slack.messages).toEqual([':rotating_light: b']);
  });
});

describe('Slack that is not well', () => {
  test.each<[string, SlackPlan, RegExp]>([
    ['500', { status: 500 }, /"status":500/],
    ['a reset', 'reset', /connection lost/],
    ['silence', 'hang', /timed out/],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, /redirected/],
    ['429', { status: 429 }, /"status":429/],
  ])('%s: tried again until it is taken, said once', async (_, plan, reason) => {
    slack.plan(plan, plan, plan);
    const log = start(plan === 'hang' ? HASTY : QUICK);
    log.add(line({ event: 'a' }));
    await arrives(1);
    log.add(line({ event: 'b' }));
    await arrives(2);
    expect(slack.messages).toEqual([':warning: a', ':warning: b']);
    expect(slack.asked).toHaveLength(5);
    expect(reports).toHaveLength(2);
    expect(reports[0]).toMatch(/^slack\.unsent/);
    expect(reports[0]).toMatch(reason);
    expect(reports[0]).not.toContain('the-key-of-the-channel');
    expect(reports[1]).toBe('slack.sent_again {"failures":3}');
  });

  test('429 with Retry-After: nothing before that time', async () => {
    slack.plan({ status: 429, headers: { 'retry-after': '1' } });
    start().add(line({ event: 'a' }));
    await arrives(1);
    const [first, second] = slack.asked;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1_000);
  });

  test('404: that message is lost and counted, the next one goes on', async () => {
    slack.plan({ status: 404 });
    const log = start();
    log.add(line({ event: 'a' }));
    await until(() => reports.length === 1, { what: 'the refusal' });
    log.add(line({ event: 'b' }));
    await arrives(1);
    expect(slack.messages).toEqual(['… and 1 earlier ones, which only the log has\n:warning: b']);
  });

  test('a flood meanwhile: the newest are kept, the oldest counted, in bounded memory and one message', async () => {
    slack.plan('hang');
    const log = start(HASTY);
    log.add(line({ event: 'first' }));
    await until(() => slack.asked.length === 1, { what: 'the first try' });
    for (let n = 0; n < 10_000; n++) log.add(line({ event: `e${n}`, msg: 'x'.repeat(1_000) }));
    await arrives(1);
    const lines = slack.messages[0]?.split('\n') ?? [];
    expect(lines).toHaveLength(21);
    expect(lines[0]).toBe('… and 9981 earlier ones, which only the log has');
    expect(lines.at(-1)).toStartWith(':warning: e9999: xxx');
    expect(lines.at(-1)?.length).toBeLessThan(330);
  });
});

describe('how often', () => {
  test('messages that follow one another wait longer each time', async () => {
    const log = start({ ...QUICK, gapMs: 30 });
    const begunMs = performance.now();
    const timer = setInterval(() => log.add(line({ event: 'again' })), 2);
    await arrives(5);
    clearInterval(timer);
    // Gathered for 30 ms, then 30, 60, 120 and 240 ms later. From the beginning, because one that comes late is nearer to the next.
    for (const [i, { atMs }] of slack.asked.slice(0, 5).entries()) {
      expect(atMs - begunMs).toBeGreaterThanOrEqual(30 * 2 ** i - 2 * (i + 1));
    }
  });
});

describe('at a stop', () => {
  test('what is left is sent at once', async () => {
    const log = start({ ...QUICK, gapMs: 60_000 });
    log.add(line({ event: 'last words' }));
    await log.settle(10_000);
    expect(slack.messages).toEqual([':warning: last words']);
  });

  test('a Slack that hangs takes no longer than the limit', async () => {
    slack.plan('hang');
    const log = start({ gapMs: 60_000, timeoutMs: 60_000 });
    log.add(line({ event: 'last words' }));
    const begun = performance.now();
    await log.settle(50);
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(slack.asked).toHaveLength(1);
  });
});

describe('as part of the log', () => {
  test('what the redactor takes out never reaches Slack, and a failing Slack does not feed itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slack-test-'));
    slack.plan({ status: 500 });
    const env = { LOG_STACK: 'single,slack', LOG_SLACK_WEBHOOK_URL: slack.url, DATA_DIR: folder };
    const secret = 'a-secret-of-qiscus-0123';
    const tokens = { WEBHOOK_TOKEN: 'webhook-token-0123456789', ADMIN_TOKEN: 'admin-token-0123456789ab' };
    const { logger, flush, settle } = createLogger(
      readConfig(
        {
          ...env,
          ...tokens,
          QISCUS_APP_ID: 'shop',
          QISCUS_SECRET: secret,
          PUBLIC_BASE_URL: 'https://router.test/desk/',
        },
        [],
      ),
    );
    logger.error({ event: 'x', reason: `tried ${secret} at ${slack.url}`, agent: 'a@example.com' }, 'with %s', secret);
    logger.info({ event: 'quiet' }, 'nothing');
    await settle?.(2_000);
    await settle?.(2_000);
    flush();
    expect(slack.asked).toHaveLength(2);
    for (const { body } of slack.asked) {
      for (const text of [secret, 'the-key-of-the-channel', 'example.com', 'quiet', 'slack.'])
        expect(body).not.toContain(text);
      expect(body).toContain('[redacted]');
    }
    expect(slack.messages).toHaveLength(1);
    expect(slack.messages[0]).toStartWith(`Agent Allocation · shop on ${hostname()} · https://router.test/desk\n`);
    const written = readFileSync(join(folder, 'logs', LOG_FILE), 'utf8');
    expect(written).toContain('slack.unsent');
    expect(written).not.toContain('the-key-of-the-channel');
    rmSync(folder, { recursive: true, force: true });
  });

  test('without slack in LOG_STACK there is none', () => {
    expect(createLogger(readConfig({ LOG_STACK: 'stdout' }, [])).settle).toBe(null);
  });
});
