// Who takes part, and each of them in a workerd of its own.
import {mkdtempSync, rmSync} from 'node:fs';
import {mkdtemp, readFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {build} from 'esbuild';
import {Miniflare} from 'miniflare';
import {unstable_readConfig as readConfig} from 'wrangler';

/** All rooms of all contenders. TMPDIR says on which disk. */
export const storage = mkdtempSync(join(tmpdir(), 'tinyroom-bench-'));
process.on('exit', () => rmSync(storage, {recursive: true, force: true}));

const wrangler = readConfig({config: resolve('wrangler.toml')});

/** Another build can be measured by its folder. */
const {BUILD = 'build'} = process.env;

const tinyroom = async () => ({
  mainModule: 'index.js',
  modules: {
    'index.js': {type: 'esm', contents: await readFile(join(BUILD, 'index.js'))},
    'index_bg.wasm': {type: 'wasm', contents: await readFile(join(BUILD, 'index_bg.wasm'))},
  },
});

const bundled = (source) => async () => {
  const {outputFiles} = await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: [source],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    external: ['cloudflare:workers'],
    write: false,
  });
  return {mainModule: 'index.js', modules: {'index.js': {type: 'esm', contents: outputFiles[0].contents}}};
};

const rival = bundled('rival/worker.js');
const bare = bundled('bare/worker.js');

/** In the order of the columns. */
export const contenders = {
  tinyroom: {title: 'Tinyroom', code: tinyroom, env: wrangler.vars, hasStore: true},
  none: {title: 'rival, no persister', code: rival, env: {PERSISTER: 'none'}},
  json: {title: 'rival, SQL JSON', code: rival, env: {PERSISTER: 'json'}, hasStore: true},
  fragmented: {title: 'rival, SQL fragmented', code: rival, env: {PERSISTER: 'fragmented'}, hasStore: true},
  'key-value': {title: 'rival, key-value', code: rival, env: {PERSISTER: 'key-value'}, hasStore: true},
  relay: {title: 'bare relay', code: bare, env: {COMMIT: false}},
  commit: {title: 'bare commit + relay', code: bare, env: {COMMIT: true}},
};

const startMiniflare = async (modules, env, folder, {inspectorPort, complaints}) => {
  const variables = Object.entries(env).map(([key, value]) => [key, {type: 'json', value}]);
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    inspectorPort,
    resourcePersistencePath: folder,
    handleStructuredLogs: ({level, message}) => {
      if (level === 'error' || level === 'warn') complaints.push(message);
    },
    workers: [
      {
        config: {
          name: 'contender',
          compatibilityDate: wrangler.compatibility_date,
          manifest: modules,
          exports: {Room: {type: 'durable-object', storage: 'sqlite'}},
          env: {
            ROOMS: {type: 'durable-object', worker: 'contender', exportName: 'Room'},
            ...Object.fromEntries(variables),
          },
        },
      },
    ],
  });
  const {port} = await miniflare.ready;
  return {miniflare, port};
};

/** Puts the counter of all that is billed around a contender. */
const counting = async ({mainModule, modules}) => {
  const counter = await readFile(join(import.meta.dirname, 'counting/worker.js'));
  return {
    mainModule: 'counting.js',
    modules: {
      ...modules,
      'counting.js': {type: 'esm', contents: String(counter).replace("'contender'", `'./${mainModule}'`)},
    },
  };
};

/**
 * Starts a contender, with no rooms yet. One that counts knows what Cloudflare would bill, one that is inspected tells a
 * debugger where its time goes; neither is as fast. `settings` are variables beside its own.
 */
export const start = async (name, {counts = false, inspected = false, settings = {}} = {}) => {
  const {title, code, env, hasStore = false} = contenders[name];
  const modules = counts ? await counting(await code()) : await code();
  const folder = await mkdtemp(join(storage, `${name}-`));
  const complaints = [];
  const options = {inspectorPort: inspected ? 0 : undefined, complaints};
  const begin = () => startMiniflare(modules, {...env, ...settings}, folder, options);
  let running = await begin();
  const ask = async (question) => (await fetch(`http://127.0.0.1:${running.port}/${question}`)).json();
  return {
    name,
    title,
    hasStore,
    /** What it has logged as wrong. */
    complaints,
    /** What would be billed of the time since this was called last. */
    counted: () => ask(''),
    /** Whether the object that was used last could hibernate, and for how long nothing has happened. */
    rest: () => ask('?rest'),
    inspector: () => running.miniflare.getInspectorURL(),
    url: (room) => `ws://127.0.0.1:${running.port}/${room}`,
    /** What a `GET` answers, as text. */
    read: async (path) => (await fetch(`http://127.0.0.1:${running.port}/${path}`)).text(),
    /** Takes a room out of memory while its sockets sleep, unless it sleeps already. */
    evict: async (room) => {
      const options = {name: room, webSockets: 'hibernate'};
      await running.miniflare.unsafeEvictDurableObject('contender', 'Room', options).catch((error) => {
        if (!error.message.includes('not currently running')) throw error;
      });
    },
    /** Cuts everybody off, and begins anew in a fresh process. */
    restart: async () => {
      await running.miniflare.dispose();
      running = await begin();
    },
    stop: () => running.miniflare.dispose(),
  };
};
