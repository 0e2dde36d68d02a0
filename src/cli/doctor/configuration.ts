/** Configuration, tokens and the public address: all that follows from the settings alone. */
import {
  type AppConfig,
  appsOf,
  type Config,
  ConfigError,
  type Environment,
  findMisspellings,
  publicUrls,
  readConfig,
} from '../../config';
import { checkCallbackUrl } from '../../http/settings/service';
import { broken, type Finding, ok, warning } from './finding';

const AREA = 'configuration';

/** Reads the settings as the service does. `config` null: it would not start with them. */
export function readSettings(env: Environment): { config: Config | null; findings: Finding[] } {
  const misspelled = findMisspellings(env).map((what) => warning(AREA, what, 'Mend the name, or take the line away.'));
  try {
    const config = readConfig(env, []);
    const mode = config.sandbox ? 'sandbox' : config.production ? 'production' : 'no NODE_ENV=production';
    const apps = config.apps === null ? '' : `, ${config.apps.length} Qiscus apps`;
    return { config, findings: [ok(AREA, `complete (${mode}, role ${config.role}${apps})`), ...misspelled] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((problem) =>
      broken(AREA, problem, 'Mend it: every name is explained in .env.example.'),
    );
    const rest = warning(AREA, 'nothing else was checked', 'Mend the configuration first, then ask again.');
    return { config: null, findings: [...problems, ...misspelled, rest] };
  }
}

const MAKE_ONE =
  'Make each with `openssl rand -hex 24`; a comma list holds the old one until all callers have the new one.';

/** Made by chance, a token has more (of digits only: all but one in 60,000). */
const FEWEST_CHARACTERS = 6;

/** Does each token open one door only, and is it hard to guess? (Its form is judged at the start.) They are never shown. */
export function checkTokens(config: Config): Finding[] {
  const area = 'tokens';
  const apps = appsOf(config);
  const sets = [config, ...apps].map(({ tokens }) => tokens);
  const all = (name: keyof AppConfig['tokens']) => new Set(sets.flatMap((one) => one[name]));
  const [webhook, admin, metrics] = [all('webhook'), all('admin'), all('metrics')];
  if (webhook.size + admin.size === 0) return [ok(area, 'none: the doors are open, on this machine only')];
  const found: Finding[] = [];
  // A webhook's token stands in URLs, in Qiscus's dashboard and in proxies' logs.
  if (!webhook.isDisjointFrom(admin))
    found.push(
      broken(
        area,
        'a token is in WEBHOOK_TOKEN and in ADMIN_TOKEN: whoever sees a webhook URL could do anything',
        MAKE_ONE,
      ),
    );
  if (!metrics.isDisjointFrom(webhook))
    found.push(
      warning(area, 'a token is in METRICS_TOKEN and in WEBHOOK_TOKEN: the scraper could send webhooks', MAKE_ONE),
    );
  if (!metrics.isDisjointFrom(admin))
    found.push(
      warning(area, 'a token is in METRICS_TOKEN and in ADMIN_TOKEN: the scraper could do anything', MAKE_ONE),
    );
  const shared =
    apps.length > 1 &&
    new Set(apps.flatMap((app) => app.tokens.webhook)).size < apps.flatMap((app) => app.tokens.webhook).length;
  if (shared)
    found.push(
      warning(
        area,
        'several apps share a WEBHOOK_TOKEN: resolve webhooks do not name their app',
        'Give each app its own.',
      ),
    );
  const every = [...webhook, ...admin, ...metrics];
  if (every.some((token) => new Set(token).size < FEWEST_CHARACTERS))
    found.push(warning(area, 'a token has few different characters: it can be guessed', MAKE_ONE));
  const shortest = Math.min(...every.map((token) => token.length));
  return found.length > 0 ? found : [ok(area, `different ones, ${shortest} characters and more`)];
}

/** Can Qiscus be given our address? */
export function checkPublicUrl(config: Config): Finding {
  const area = 'public address';
  const { publicBaseUrl } = config.http;
  const mend = 'Set PUBLIC_BASE_URL to where Qiscus reaches this service, such as https://router.example.com.';
  const urls = publicUrls(config, null);
  if (publicBaseUrl === null || urls === null) {
    const what = 'PUBLIC_BASE_URL is not set';
    return config.sandbox
      ? ok(area, `${what}: the sandbox needs none`)
      : warning(area, `${what}: whether Qiscus calls the right place cannot be checked`, mend);
  }
  if (/\/(api|webhook|docs|health)(\/|$)/.test(new URL(publicBaseUrl).pathname))
    return broken(area, 'PUBLIC_BASE_URL holds a path of ours: it would stand twice in the webhooks', mend);
  const verdict = checkCallbackUrl(urls.markAsResolved, { sandbox: config.sandbox, publicBaseUrl });
  if (!verdict.ok) return broken(area, `Qiscus could not be given PUBLIC_BASE_URL: ${verdict.problem}`, mend);
  return ok(area, publicBaseUrl);
}
