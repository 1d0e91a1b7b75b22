// What a run has to say.

const MOST_BREACHES = 20;

const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Counts, one a line. */
const list = (title, counts) => {
  const width = Math.max(...Object.keys(counts).map((name) => name.length), 0);
  return [title, ...Object.entries(counts).map(([name, count]) => `  ${name.padEnd(width)}  ${String(count).padStart(8)}`)].join('\n');
};

export const describe = ({seed, seconds, counts, memory, statuses, closes, breaches}) =>
  [
    list('inputs by kind', counts.kinds),
    list('closes of hostile sockets by code', closes),
    list('HTTP answers by status', statuses),
    list('altogether', {
      seed,
      seconds,
      'inputs made': counts.inputs,
      'inputs by hand': counts.corpus,
      'frames in them': counts.frames,
      'good edits': counts.edits,
      'of these, with everybody': counts.arrived,
      'edits of readers, undone': counts.undone,
      'cells compared': counts.cells,
      lost: counts.lost,
      'memory after a tenth': mebibytes(memory.atFirst),
      'memory at the end': mebibytes(memory.atLast),
      breaches: breaches.length,
    }),
    ...breaches.slice(0, MOST_BREACHES).map((breach) => `BREACH: ${breach}`),
    ...(breaches.length > MOST_BREACHES ? [`… and ${breaches.length - MOST_BREACHES} more`] : []),
  ].join('\n');
