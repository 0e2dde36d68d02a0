/** Every route of the app with a request that it takes, from the app itself and its document: a new route cannot be forgotten. */
import { memoryApp } from '../support/memory-app';

export interface Route {
  name: string;
  method: string;
  path: string;
  /** A body that it takes; undefined: none. */
  json: unknown;
  door: 'webhook' | 'admin' | 'metrics' | 'open';
}

interface Operation {
  parameters: { name: string; in: string; example?: unknown }[];
  requestBody?: { content: Record<string, { examples?: Record<string, { value: unknown }> }> };
}

/** Values for the routes that the document leaves out: pages, files, the webhooks with the token in their path. */
const UNDOCUMENTED: Record<string, string> = { file: 'init.js' };

/** All routes; a `:token` is left in the path for the test to fill. */
export async function allRoutes(): Promise<Route[]> {
  const { app, send } = memoryApp();
  const { paths } = (await (await send('GET', '/docs/json')).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const seen = new Set<string>();
  return app.routes.flatMap(({ method, path }) => {
    const name = `${method} ${path}`;
    if (seen.has(name)) return [];
    seen.add(name);
    const documented = path.replace(/\/:token$/, '').replace(/:(\w+)/g, '{$1}');
    const operation = paths[documented]?.[method.toLowerCase()];
    const exampleOf = (wanted: string) =>
      UNDOCUMENTED[wanted] ?? String(operation?.parameters.find((one) => one.name === wanted)?.example ?? 'missing');
    const examples = Object.values(operation?.requestBody?.content['application/json']?.examples ?? {});
    return {
      name,
      method,
      path: path.replace(/:(\w+)/g, (whole, wanted: string) => (wanted === 'token' ? whole : exampleOf(wanted))),
      json: examples[0]?.value,
      door: doorOf(path),
    };
  });
}

/** The rule of the specification, written a second time on purpose: the test must not believe the gate. */
function doorOf(path: string): Route['door'] {
  if (path.startsWith('/api/v1/webhook/')) return 'webhook';
  if (path === '/metrics') return 'metrics';
  return path.startsWith('/health/') || path === '/docs' || path.startsWith('/docs/') ? 'open' : 'admin';
}
