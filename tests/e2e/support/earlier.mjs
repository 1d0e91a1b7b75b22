// Storage as earlier servers have left it, really written by TinyBase's persisters in workerd.
import {build} from 'esbuild';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {atTheEnd} from './cleanup.mjs';
import {startWorker} from './worker.mjs';

const bundle = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tinyroom-earlier-'));
  atTheEnd(() => rm(folder, {recursive: true, force: true}));
  const outfile = join(folder, 'earlier.mjs');
  await build({
    entryPoints: [resolve('tests/e2e/support/earlier-server.mjs')],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'esnext',
    external: ['cloudflare:workers'],
    logLevel: 'error',
  });
  return outfile;
};

/** Starts the earlier server, in Tinyroom's place, on the storage that Tinyroom is to find, or has found. */
export const startEarlier = async (storage) => {
  const worker = await startWorker({storage, wrapper: await bundle()});
  const call = async (room, method, argument) => {
    const response = await fetch(worker.http('/'), {method: 'POST', body: JSON.stringify({room, method, argument})});
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()).result;
  };
  return {
    ...worker,
    write: (room, how) => call(room, 'write', how),
    forget: (room) => call(room, 'forget'),
    dump: (room) => call(room, 'dump'),
    alter: (room, what) => call(room, 'alter', what),
  };
};
