/** Which methods a path knows, for 405 and `Allow`. Asked only when no route matched. */

interface Route {
  method: string;
  path: string;
}

/** `routes` is read at the first question, when all features are in. */
export function methodTable(routes: () => readonly Route[]): (path: string) => string[] {
  let table: { method: string; form: RegExp }[] | null = null;
  return (path) => {
    table ??= routes().map(({ method, path }) => ({ method, form: formOf(path) }));
    return [...new Set(table.filter(({ form }) => form.test(path)).map(({ method }) => method))].sort();
  };
}

/** `/rooms/:room_id/` as the router takes it: one segment per parameter, a closing slash or none. */
function formOf(path: string): RegExp {
  const segments = path.split('/').filter((segment) => segment !== '');
  const parts = segments.map((segment) =>
    segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  );
  return new RegExp(`^/${parts.join('/')}/?$`);
}
