// The disk by itself: what a commit waits for, whoever commits.
import {open, rm} from 'node:fs/promises';
import {fdatasyncSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {storage} from '../contenders.mjs';

/** What a commit of one page adds to SQLite's log: the page and its header. */
const page = Buffer.alloc(4096 + 24, 'x');

/** Writes pages to the end of a new file, each synced, some time apart, and answers the milliseconds that each takes. */
export const syncedPages = async ({pages, pause}) => {
  const path = join(storage, 'pages');
  const file = await open(path, 'w');
  const times = [];
  for (let number = 0; number < pages; number++) {
    await sleep(pause());
    const start = performance.now();
    writeSync(file.fd, page);
    fdatasyncSync(file.fd);
    times.push(performance.now() - start);
  }
  await file.close();
  await rm(path);
  return times;
};
