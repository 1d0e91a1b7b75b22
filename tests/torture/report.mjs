// What a run has to say.

const names = {
  seed: 'seed',
  seconds: 'seconds',
  edits: 'edits by clients',
  written: 'cells written in them',
  heard: 'of these, heard by others',
  kills: 'kills of workerd',
  hibernations: 'evictions, sockets asleep',
  closes: 'evictions, sockets closed',
  cuts: 'clients cut off',
  stalls: 'lines stalled',
  moves: 'clients moved to another line',
  fullDisks: 'disks full',
  joins: 'newcomers',
  returns: 'clients that came back',
  looks: 'looks at what is stored',
  settled: 'rooms found whole and equal',
  resigned: 'clients that had given up on an answer',
  compactions: 'compactions, at least',
  lost: 'lost',
};

/** Counts, one a line. */
export const table = (counts) => {
  const width = Math.max(...Object.values(names).map((name) => name.length));
  return Object.entries(names)
    .map(([key, name]) => `  ${name.padEnd(width)}  ${String(counts[key]).padStart(10)}`)
    .join('\n');
};

const MOST_CELLS = 20;

const short = (value) => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 50)}… (${text.length} characters)` : text;
};

const sight = (seen) => (seen === undefined ? 'nothing' : `${short(seen.value)} at ${seen.stamp}`);

/** A broken promise, and the cells that show it. */
export const describe = ({message, cells}) => {
  const lines = cells.slice(0, MOST_CELLS).map(({cell, expected, found, client, errors}) => {
    const by = expected?.by ?? client;
    const ignored = errors?.length > 0 ? `; the client ignored: ${errors.join('; ')}` : '';
    return `  ${cell} (client of ${by}): expected ${sight(expected)}, found ${sight(found)}${ignored}`;
  });
  if (cells.length > MOST_CELLS) lines.push(`  … and ${cells.length - MOST_CELLS} more`);
  return [message, ...lines].join('\n');
};
