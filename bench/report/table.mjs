// The table, as Markdown.
import {contenders} from '../contenders.mjs';
import {ratio} from '../targets.mjs';

const rivals = ['none', 'json', 'fragmented', 'key-value'];

const number = (value) => {
  if (value === undefined) return '–';
  if (!Number.isFinite(value)) return 'never';
  return value >= 100 || Number.isInteger(value)
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(2)));
};

const row = (cells) => `| ${cells.join(' | ')} |`;

const compared = ({by, better}) => {
  const known = rivals.filter((name) => by[name] !== undefined);
  const words = known.map((name) => {
    const found = by[name] === by.tinyroom ? 1 : ratio(by, name, better);
    return Number.isFinite(found) ? `${Number(found.toPrecision(found < 100 ? 2 : 3))}` : '∞';
  });
  return words.join(' / ') || '–';
};

/** A line for each thing measured; the last column says how many times better Tinyroom is than each rival measured. */
export const table = (lines) => {
  const names = Object.keys(contenders);
  const head = ['', ...names.map((name) => contenders[name].title), 'Tinyroom is … × better'];
  const body = lines.map((line) => [
    line.unit ? `${line.what}, ${line.unit}` : line.what,
    ...names.map((name) => number(line.by[name])),
    compared(line),
  ]);
  return [row(head), row(['---', ...head.slice(1).map(() => '---:')]), ...body.map(row)].join('\n');
};

export const targets = (lines) => {
  const body = lines.flatMap(({what, targets}) =>
    targets.map(({text, found, met}) => row([what, text, found, met ? 'yes' : '**no**'])),
  );
  if (body.length === 0) return '';
  return [row(['what', 'is to be', 'is', 'reached']), row(['---', '---', '---:', '---']), ...body].join('\n');
};
