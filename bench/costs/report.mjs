// What was counted and what it costs, as Markdown, between marks in docs/costs.md.
import {readFile, writeFile} from 'node:fs/promises';
import {cpus} from 'node:os';
import {join} from 'node:path';
import {apps} from './apps.mjs';
import {billed, freePlanLacks, listed, onTop, prices, total} from './prices.mjs';
import {servers} from './servers.mjs';

const document = join(import.meta.dirname, '../../docs/costs.md');

const names = Object.keys(servers);
const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, body) =>
  [row(head), row(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...body.map(row)].join('\n');

const number = (value) => {
  const [size, unit] = value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e4 ? [1e3, ' k'] : [1, ''];
  const digits = Number.isInteger(value) && unit === '' ? 0 : value / size < 100 ? 2 - (value / size >= 10) : 0;
  return `${(value / size).toLocaleString('en', {maximumFractionDigits: digits})}${unit}`;
};

const dollars = (value) => {
  if (value < 0.005) return '0';
  return value.toLocaleString('en', value < 100 ? {minimumFractionDigits: 2, maximumFractionDigits: 2} : {maximumFractionDigits: 0});
};

/** A month of an app on a server: each part as often as it happens, and what its rooms take of the disk. */
const month = ({parts, rooms}, counted) => {
  const sum = (what) => parts.reduce((sum, {aMonth}, index) => sum + aMonth * counted[index][what], 0);
  return {
    connections: sum('connections'),
    messages: sum('messages'),
    rowsWritten: sum('rowsWritten'),
    rowsRead: sum('rowsRead'),
    awakeSeconds: sum('awakeSeconds'),
    bytes: rooms * counted.at(-1).bytes,
  };
};

const lacks = (quantities, days) => {
  const [first] = freePlanLacks(quantities, days);
  return first ? `no: ${prices[first.name].title}, ${first.times.toFixed(1)} ×` : 'is enough';
};

const monthly = (app, counted) =>
  table(
    ['a month', 'messages in', 'rows written', 'rows read', 'hours awake', 'GB', 'messages and requests, $', 'awake, $', 'rows written, $', 'rows read, $', '**all at list price, $**', 'on top of the plan, $', 'the free plan'],
    names.map((name) => {
      const use = month(app, counted[name]);
      const quantities = billed(use);
      const by = listed(quantities);
      return [
        servers[name].title,
        number(use.messages),
        number(use.rowsWritten),
        number(use.rowsRead),
        number(use.awakeSeconds / 3600),
        number(use.bytes / 1e9),
        dollars(by.requests + by.workerRequests),
        dollars(by.duration),
        dollars(by.rowsWritten),
        dollars(by.rowsRead),
        `**${dollars(total(quantities))}**`,
        dollars(onTop(quantities)),
        lacks(quantities, app.days),
      ];
    }),
  );

const counts = ({parts}, counted) =>
  table(
    ['counted', 'a month', 'connections', 'messages in', 'rows written', 'rows read', 'seconds awake'],
    parts.flatMap(({what, aMonth}, index) =>
      names.map((name, place) => {
        const {connections, messages, rowsWritten, rowsRead, awakeSeconds} = counted[name][index];
        return [
          `${what}: ${servers[name].title}`,
          place === 0 ? aMonth.toLocaleString('en') : '',
          ...[connections, messages, rowsWritten, rowsRead].map((count) => count.toLocaleString('en')),
          awakeSeconds.toFixed(2),
        ];
      }),
    ),
  );

/** Where pointers moved slower than they should, that all could see them: the seconds awake are too many there. */
const delays = ({parts}, counted) =>
  parts.flatMap(({lasts}, index) =>
    names
      .filter((name) => counted[name][index].tookSeconds > lasts * 1.05)
      .map((name) => `${servers[name].title} took ${counted[name][index].tookSeconds.toFixed(1)} s for ${lasts} s of it.`),
  );

/** What stands in the document between the marks of each name. */
export const pages = (results) => {
  const played = Object.keys(results);
  const summary = table(
    ['$ a month, at list price', ...names.map((name) => servers[name].title)],
    played.map((app) => [
      apps[app].title,
      ...names.map((name) => dollars(total(billed(month(apps[app], results[app][name]))))),
    ]),
  );
  const each = played.map((app) => {
    const texts = [
      `### ${apps[app].title}`,
      apps[app].traffic,
      monthly(apps[app], results[app]),
      counts(apps[app], results[app]),
      ...delays(apps[app], results[app]),
    ];
    return texts.join('\n\n');
  });
  return {summary, apps: each.join('\n\n')};
};

const between = (text, name, page) => {
  const [begin, end] = [`<!-- ${name}: written by make costs -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/costs.md has no place for ${name}`);
  return `${text.slice(0, from + begin.length)}\n\n${page}\n\n${text.slice(to)}`;
};

export const keep = async (results, seconds) => {
  const {version} = JSON.parse(await readFile(join(import.meta.dirname, '../../node_modules/tinybase/package.json'), 'utf8'));
  const run = `Counted on ${new Date().toISOString().slice(0, 10)} in ${Math.round(seconds)} s, with TinyBase ${version}, on ${cpus().length} cores.`;
  const all = {...pages(results), run};
  let text = await readFile(document, 'utf8');
  for (const [name, page] of Object.entries(all)) text = between(text, name, page);
  await writeFile(document, text);
  console.log(`${all.summary}\n\nKept in docs/costs.md.`);
};
