/**
 * The files behind the board's page.
 *
 * 1. Our modules (page/*.ts) become JavaScript when the first of them is asked for, all in one go; they are kept.
 * 2. The libraries come from their installed packages as they are. A browser knows no package names, so what our modules
 *    import from a package is rewritten to its path here; an import map would have to stand inline.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Asset, asset, assetOf } from '../assets';

const FOLDER = fileURLToPath(new URL('./page/', import.meta.url));

export const PAGE = asset(new URL('./page/index.html', import.meta.url));

/** Files of packages, by their path under /board/. What lit-html's files import of each other lies at the same relative path. */
const LIBRARIES: Record<string, string> = {
  ...Object.fromEntries(
    ['lit-html', 'directive', 'directive-helpers', 'directives/guard', 'directives/keyed', 'directives/repeat'].map(
      (name) => [`lit-html/${name}.js`, `lit-html/${name}.js`],
    ),
  ),
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
};

/** Where a package's name leads. Deeper names (`lit-html/directives/repeat.js`) are the paths already. */
const ENTRIES: Record<string, string> = { 'lit-html': 'lit-html/lit-html.js', uplot: 'uplot.js' };

const toPath = (name: string) => `/board/${ENTRIES[name] ?? name}`;

let files: Map<string, Asset> | null = null;

/** The file at /board/`name`; undefined when there is none. */
export function boardFile(name: string): Asset | undefined {
  files ??= new Map([
    ...readdirSync(FOLDER)
      .filter((file) => file.endsWith('.css'))
      .map((file): [string, Asset] => [file, asset(new URL(file, pathToFileURL(FOLDER)))]),
    ...Object.entries(LIBRARIES).map(([path, file]): [string, Asset] => [path, asset(packageFile(file))]),
    ...ownModules(),
  ]);
  return files.get(name);
}

function ownModules(): [string, Asset][] {
  const transpiler = new Bun.Transpiler({ loader: 'ts', target: 'browser' });
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const script = transpiler
        .transformSync(readFileSync(FOLDER + name, 'utf8'))
        .replace(
          /^(import|export) (.* from )?"([^./][^"]*)";$/gm,
          (_, word, names = '', from) => `${word} ${names}"${toPath(from)}";`,
        );
      return [name.replace(/ts$/, 'js'), assetOf(new TextEncoder().encode(script), 'text/javascript; charset=utf-8')];
    });
}

/** uplot exports its style sheet by no name: its files lie beside what it exports. */
function packageFile(path: string): URL {
  const [name = ''] = path.split('/');
  const entry = import.meta.resolve(name);
  return new URL(path, entry.slice(0, entry.lastIndexOf(`/node_modules/${name}/`) + '/node_modules/'.length));
}
