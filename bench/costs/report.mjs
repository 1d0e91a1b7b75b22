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

/** A column for each server. */
const table = (title, body) =>
  [[title, ...names.map((name) => servers[name].title)], ['---', ...names.map(() => '---:')], ...body].map(row).join('\n');

/** Three digits, and a unit that spares zeros. */
const number = (value) => {
  const [size, unit] = [[1e9, ' billion'], [1e6, ' million'], [1, '']].find(([size]) => value >= size || size === 1);
  const exact = unit === '' && Number.isInteger(value);
  const digits = exact ? {maximumFractionDigits: 0} : {maximumSignificantDigits: 3};
  return `${(value / size).toLocaleString('en', digits)}${unit}`;
};

const dollars = (value) => {
  const digits = value >= 100 || value < 0.005 ? 0 : 2;
  return value.toLocaleString('en', {minimumFractionDigits: digits, maximumFractionDigits: digits});
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
  return first ? `no: ${prices[first.name].title} (${number(first.times)} ×)` : 'yes';
};

const monthly = (app, counted) => {
  const months = names.map((name) => {
    const use = month(app, counted[name]);
    const quantities = billed(use);
    return {use, quantities, by: listed(quantities)};
  });
  const line = (what, cell) => [what, ...months.map(cell)];
  return table('a month', [
    line('messages in', ({use}) => number(use.messages)),
    line('rows written', ({use}) => number(use.rowsWritten)),
    line('rows read', ({use}) => number(use.rowsRead)),
    line('hours awake', ({use}) => number(use.awakeSeconds / 3600)),
    line('GB stored', ({use}) => number(use.bytes / 1e9)),
    line('messages and connections, $', ({by}) => dollars(by.requests + by.workerRequests)),
    line('time awake, $', ({by}) => dollars(by.duration)),
    line('rows written, $', ({by}) => dollars(by.rowsWritten)),
    line('rows read and GB stored, $', ({by}) => dollars(by.rowsRead + by.stored)),
    line('**all of it at list price, $**', ({quantities}) => `**${dollars(total(quantities))}**`),
    line('on top of the plan’s $5, $', ({quantities}) => dollars(onTop(quantities))),
    line('is the free plan enough?', ({quantities}) => lacks(quantities, app.days)),
  ]);
};

const counts = ({parts}, counted) => {
  const body = parts.flatMap(({what, aMonth}, index) => {
    const line = (title, cell) => [title, ...names.map((name) => cell(counted[name][index]))];
    const {connections} = counted[names[0]][index];
    const connecting = connections > 0 ? `, connections: ${connections}` : '';
    return [
      [`**${what}**${connecting}; ${aMonth.toLocaleString('en')} a month`, ...names.map(() => '')],
      line('messages in', ({messages}) => messages.toLocaleString('en')),
      line('rows written', ({rowsWritten}) => rowsWritten.toLocaleString('en')),
      line('rows read', ({rowsRead}) => rowsRead.toLocaleString('en')),
      line('seconds awake', ({awakeSeconds}) => awakeSeconds.toFixed(2)),
    ];
  });
  return table('counted', body);
};

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
    '$ a month, at list price',
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
