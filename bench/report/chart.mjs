// The scaling curves: one panel each, side by side, both axes logarithmic. It brings its own ground, so that it can be
// read on a light page as well as on a dark one.
import {contenders} from '../contenders.mjs';

const PANEL = {width: 340, height: 300, left: 56, right: 16, top: 44, bottom: 48};
const LEGEND = 44;

const inner = {
  width: PANEL.width - PANEL.left - PANEL.right,
  height: PANEL.height - PANEL.top - PANEL.bottom,
};

/** Each thing's colour on a light ground and on a dark one. */
const inks = {
  tinyroom: ['#0969da', '#58a6ff'],
  none: ['#bc4c00', '#f0883e'],
  json: ['#8250df', '#bc8cff'],
  fragmented: ['#bf3989', '#f778ba'],
  'key-value': ['#1b7c83', '#39c5cf'],
  relay: ['#6e7781', '#9198a1'],
};
const surroundings = {
  ground: {fill: ['#ffffff', '#0d1117']},
  text: {fill: ['#24292f', '#e6edf3']},
  faint: {fill: ['#57606a', '#9198a1']},
  grid: {stroke: ['#d8dee4', '#2d333b']},
};

const rules = (theme) =>
  [
    ...Object.entries(surroundings).map(([name, rule]) =>
      Object.entries(rule).map(([property, colours]) => `.${name} { ${property}: ${colours[theme]} }`),
    ),
    ...Object.entries(inks).map(
      ([name, colours]) => `.${name} .line { stroke: ${colours[theme]} } .${name} .dot { fill: ${colours[theme]} }`,
    ),
  ].join('\n    ');

const style = `
    ${rules(0)}
    @media (prefers-color-scheme: dark) {
    ${rules(1)}
    }
    text { font: 12px system-ui, sans-serif }
    .title { font-size: 14px; font-weight: 600 }
    .line { fill: none; stroke-width: 2 }
    .tinyroom .line { stroke-width: 3 }
    .relay .line { stroke-dasharray: 4 4 }`;

const short = (number) => {
  if (number >= 1e6) return `${number / 1e6}M`;
  return number >= 1000 ? `${number / 1000}k` : String(number);
};

/** From the power of ten below the least to the one above the greatest. */
const axis = (numbers, length) => {
  const low = Math.floor(Math.log10(Math.min(...numbers)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...numbers))));
  const ticks = Array.from({length: high - low + 1}, (_, index) => 10 ** (low + index));
  return {ticks, at: (number) => ((Math.log10(number) - low) / (high - low)) * length};
};

const panel = ({title, x, y, series}, index) => {
  const known = Object.entries(series).filter(([, points]) => points.length > 0);
  const points = known.flatMap(([, some]) => some);
  const across = axis(points.map(([number]) => number), inner.width);
  const up = axis(points.map(([, number]) => number), inner.height);
  const left = (number) => (PANEL.left + across.at(number)).toFixed(1);
  const top = (number) => (PANEL.top + inner.height - up.at(number)).toFixed(1);
  const [right, bottom] = [PANEL.left + inner.width, PANEL.top + inner.height];

  const grid = [
    ...across.ticks.map(
      (tick) => `<path class="grid" d="M${left(tick)} ${PANEL.top}V${bottom}"/>
    <text class="faint" x="${left(tick)}" y="${bottom + 16}" text-anchor="middle">${short(tick)}</text>`,
    ),
    ...up.ticks.map(
      (tick) => `<path class="grid" d="M${PANEL.left} ${top(tick)}H${right}"/>
    <text class="faint" x="${PANEL.left - 6}" y="${top(tick)}" dy="4" text-anchor="end">${short(tick)}</text>`,
    ),
  ];
  const lines = known.map(
    ([name, some]) => `<g class="${name}">
      <path class="line" d="M${some.map(([a, b]) => `${left(a)} ${top(b)}`).join('L')}"/>
      ${some.map(([a, b]) => `<circle class="dot" cx="${left(a)}" cy="${top(b)}" r="3"/>`).join('')}
    </g>`,
  );
  return `<g transform="translate(${index * PANEL.width} 0)">
    <text class="text title" x="${PANEL.left}" y="20">${title}</text>
    <text class="faint" x="${PANEL.left}" y="37">${y}</text>
    ${grid.join('\n    ')}
    <text class="faint" x="${right}" y="${bottom + 34}" text-anchor="end">${x}</text>
    ${lines.join('\n    ')}
  </g>`;
};

const legend = (names) => {
  let x = PANEL.left;
  const entries = names.map((name) => {
    const {title} = contenders[name];
    const entry = `<g class="${name}" transform="translate(${x} ${PANEL.height + 14})">
    <path class="line" d="M0 0H24"/><circle class="dot" cx="12" cy="0" r="3"/>
    <text class="text" x="32" y="4">${title}</text>
  </g>`;
    x += 60 + title.length * 6.5;
    return entry;
  });
  return entries.join('\n  ');
};

/** Draws the panels. */
export const chart = (curves) => {
  const width = curves.length * PANEL.width;
  const height = PANEL.height + LEGEND;
  const names = Object.keys(contenders).filter((name) => curves.some(({series}) => series[name]?.length > 0));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${curves
    .map(({title}) => title)
    .join('; ')}: Tinyroom and TinyBase’s own server">
  <style>${style}
  </style>
  <rect class="ground" width="${width}" height="${height}" rx="8"/>
  ${curves.map(panel).join('\n  ')}
  ${legend(names)}
</svg>
`;
};
