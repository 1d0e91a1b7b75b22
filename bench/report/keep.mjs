// What stays of a run: results.md, and the curves as an SVG.
import {readFile, writeFile} from 'node:fs/promises';
import {cpus, totalmem} from 'node:os';
import {join} from 'node:path';
import {chart} from './chart.mjs';
import {table, targets} from './table.mjs';

const folder = join(import.meta.dirname, '..');

const versions = async () => {
  const names = ['tinybase', 'workerd', 'miniflare', 'ws'];
  const texts = names.map(async (name) => {
    const file = join(folder, '../node_modules', name, 'package.json');
    return `${name} ${JSON.parse(await readFile(file, 'utf8')).version}`;
  });
  return [...(await Promise.all(texts)), `Node.js ${process.versions.node}`].join(', ');
};

const machine = () => {
  const [{model}] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${model.trim()}), ${gigabytes} GB, ${process.platform} ${process.arch}`;
};

const notes = `- **Rival** is TinyBase's \`WsServerDurableObject\` with no persister, with \`createDurableObjectSqlStoragePersister\` in its
  two modes, and with \`createDurableObjectStoragePersister\`. **Bare relay** is a JavaScript Durable Object that does nothing
  but hand each frame to the other sockets, **bare commit + relay** one that stores the frame in one row of SQL before:
  what workerd itself costs.
- Each runs in a workerd of its own, one at work at a time, in another order each round. A figure is the median of the
  rounds; those before the first round are for warming up.
- *Edits per second* are those that every reader has, with at most 500 on their way. There are 1,000 rows and an edit
  for each in turn, so that no two that are on their way are for one cell.
- *A lone edit* comes 10 to 20 ms after the one before, in a new room each round; 300 a round, after 2,000 without a pause
  before the first. Its time is taken at every receiver.
- *64 clients write*: an edit's time runs from when it was due until all the others have it.
- Joins, full syncs, rows written and the frames of a wake are those of real TinyBase clients of this version, all other
  clients are raw sockets. A join's frames are those of everybody until it has been quiet for 400 ms.
- *500 clients join*: each asks for hashes, and then whoever answered first for all it holds.
- *Kept within a second*: with \`KEEP_WITHIN_MS=1000\` an edit is stored up to a second after others have seen it, with all
  that came meanwhile. The rival with no persister runs beside it anew.
- *1,000 rooms of a megabyte* are 8,000 rows of 3 cells each, a writer and a reader in all of them, and they may take
  96 MiB together, the default. Ninety rooms at a time are edited, then all of them once more, for which each is loaded again,
  since others had its memory meanwhile, and at once a third time. Counted are only those of which the number of rows read
  says that. In the end workerd is killed, and what is on disk is held against the last edit of each room.
- *A flood* is one client that sends as fast as its socket takes it, and comes back at once when it is closed: small edits
  of one cell, edits of one cell with a megabyte of text, or questions for all that the room holds, each when the one before
  is answered. In that room and in another, in the same isolate, one writes every 25 ms, and an edit's time runs from when
  it was due until the other has it. *Never* is ten seconds after the last edit.
- *Compressed* is as browsers connect: all clients offer permessage-deflate, and compress what they send; workerd takes
  that unless the Worker declines it. In all other rows clients offer nothing. *Not compressed* and *compressed* take turns. Processor
  time is that of the whole workerd. A lone edit's bytes are the mean of 500 after each other. A socket's memory is
  that of the whole process, for 300 sockets in a room of their own with 20 edits.`;

export const keep = async ({lines, curves, remarks, failures, seconds}) => {
  const text = `# Side by side

Written by \`make bench\` on ${new Date().toISOString().slice(0, 10)}, in ${Math.round(seconds / 60)} minutes.
${await versions()}; on ${machine()}, which ran the clients as well.

${table(lines)}

## What was to be reached

${targets(lines)}

## How it was measured

${[notes, ...remarks.map((remark) => `- ${remark}`)].join('\n')}
${failures.length > 0 ? `\n## What did not work\n\n${failures.map((failure) => `- ${failure}`).join('\n')}\n` : ''}`;
  await writeFile(join(folder, 'results.md'), text);
  await writeFile(join(folder, 'scaling.svg'), chart(curves));
  console.log('\nKept in bench/results.md and bench/scaling.svg.');
};
