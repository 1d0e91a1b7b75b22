// The built Worker in real workerd, with the settings of wrangler.toml. Run from the project's folder.
import {execFileSync} from 'node:child_process';
import {mkdtemp, readFile, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {basename, dirname, extname, join, relative, resolve} from 'node:path';
import {Miniflare} from 'miniflare';
import {unstable_readConfig as readConfig} from 'wrangler';
import {atTheEnd} from './cleanup.mjs';

const kinds = {'.js': 'esm', '.mjs': 'esm', '.wasm': 'wasm'};

const readModules = async (folder) => {
  const files = await readdir(folder, {recursive: true});
  const modules = files
    .filter((file) => extname(file) in kinds)
    .map(async (file) => [
      file,
      {type: kinds[extname(file)], contents: await readFile(join(folder, file))},
    ]);
  return Object.fromEntries(await Promise.all(modules));
};

/** What a wrapper may import beside the built Worker. */
const WRAPPERS_USE = 'tests/e2e/support/like.mjs';

/** Miniflare runs another workerd where this names one. It knows no days later than its own, which it tells. */
const otherWorkerd = process.env.MINIFLARE_WORKERD_PATH;
const dayOf = (workerd) => execFileSync(workerd, ['--version'], {encoding: 'utf8'}).match(/\d{4}-\d\d-\d\d/)[0];
const latestDay = otherWorkerd ? dayOf(otherWorkerd) : undefined;

const workerConfig = async (settings, {wrapper, change, flags = [], bindings = {}}) => {
  const config = readConfig({config: resolve('wrangler.toml')});
  const folder = dirname(config.main);
  const modules = await readModules(folder);
  for (const file of wrapper ? [wrapper, WRAPPERS_USE] : []) {
    modules[basename(file)] = {type: 'esm', contents: await readFile(file)};
  }
  change?.(modules);
  const classes = config.migrations.flatMap((migration) => migration.new_sqlite_classes ?? []);
  const rooms = config.durable_objects.bindings.map((binding) => [
    binding.name,
    {type: 'durable-object', worker: config.name, exportName: binding.class_name},
  ]);
  const variables = Object.entries({...config.vars, ...settings}).map(([name, value]) => [
    name,
    typeof value === 'string' ? {type: 'text', value} : {type: 'json', value},
  ]);
  return {
    name: config.name,
    compatibilityDate: latestDay < config.compatibility_date ? latestDay : config.compatibility_date,
    compatibilityFlags: [...config.compatibility_flags, ...flags],
    manifest: {
      mainModule: wrapper ? basename(wrapper) : relative(folder, config.main),
      modules,
    },
    exports: Object.fromEntries(
      classes.map((name) => [name, {type: 'durable-object', storage: 'sqlite'}]),
    ),
    env: {...Object.fromEntries([...rooms, ...variables]), ...bindings},
  };
};

/**
 * Starts the Worker on a free port of the loopback interface, until `cleanUp`.
 *
 * `storage` is the folder that keeps the rooms (by default a new one that is removed at the end), `settings` overrides
 * variables of wrangler.toml, `bindings` come beside its own, `flags` are compatibility flags beside those in it. A `wrapper` is a module that stands before
 * the built one, and imports it; `change` may change the modules. What the Worker logs is kept in `logs`.
 */
export const startWorker = async ({storage, settings, ...changed} = {}) => {
  const folder = storage ?? (await mkdtemp(join(tmpdir(), 'tinyroom-')));
  const config = await workerConfig(settings, changed);
  const [className] = Object.keys(config.exports);
  const logs = [];
  let miniflare;
  let port = 0;

  const start = async () => {
    miniflare = new Miniflare({
      host: '127.0.0.1',
      port,
      resourcePersistencePath: folder,
      handleStructuredLogs: (log) => logs.push(log),
      workers: [{config, dev: {unsafeDirectSockets: [{host: '127.0.0.1', port: 0}]}}],
    });
    port = Number((await miniflare.ready).port);
  };
  // Miniflare ends workerd with SIGKILL: it has no chance to put anything in order.
  const kill = async () => {
    await miniflare?.dispose();
    miniflare = undefined;
  };

  await start();
  atTheEnd(async () => {
    await kill();
    if (storage === undefined) await rm(folder, {recursive: true, force: true});
  });
  return {
    logs,
    storage: folder,
    http: (path) => `http://127.0.0.1:${port}${path}`,
    ws: (path) => `ws://127.0.0.1:${port}${path}`,
    host: `127.0.0.1:${port}`,
    /** Past Miniflare's own Worker, which stands before ours and takes compression, whatever ours says. */
    directWs: async (path) => `ws://${(await miniflare.unsafeGetDirectURL(config.name)).host}${path}`,
    /** What the Worker has logged as wrong. */
    complaints: () => logs.filter(({level}) => level === 'error' || level === 'warn'),
    /** The stored content of the room at a path, as `GET` answers it. */
    content: async (path) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return (await response.json()).data;
    },
    /**
     * Takes a room out of memory; its sockets sleep through it (`hibernate`) or are cut off (`close`). workerd waits for what
     * still goes on in the room, and Miniflare holds the whole process meanwhile, unless there is a `Blob` in the call. Where
     * clients, or the network between, still have something to do with it, such as the answer to a close, `isHeld` must be
     * `false`.
     */
    evict: (room, webSockets = 'hibernate', isHeld = true) =>
      miniflare.unsafeEvictDurableObject(config.name, className, {name: room, webSockets, ...(!isHeld && {blob: new Blob()})}),
    /** Kills workerd; the rooms stay in their folder. */
    kill,
    /** Starts workerd again, on the same port and with the same rooms. */
    start,
  };
};
