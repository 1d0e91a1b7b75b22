// Cloudflare's prices, and what a month's use comes to.

/** Of the plan that costs $5 a month. `included` is what an account has of it each month, `price` is in dollars. */
export const prices = {
  requests: {title: 'requests to Durable Objects', included: 1e6, price: 0.15 / 1e6},
  duration: {title: 'GB-s awake', included: 400_000, price: 12.5 / 1e6},
  rowsWritten: {title: 'rows written', included: 50e6, price: 1 / 1e6},
  rowsRead: {title: 'rows read', included: 25e9, price: 0.001 / 1e6},
  stored: {title: 'GB-months stored', included: 5, price: 0.2},
  workerRequests: {title: 'requests to Workers', included: 10e6, price: 0.3 / 1e6},
};

/** What an account on the free plan may use, each day until midnight UTC; of what is stored, at any time. */
export const free = {
  requests: 100_000,
  duration: 13_000,
  rowsWritten: 100_000,
  rowsRead: 5e6,
  stored: 5,
  workerRequests: 100_000,
};

/** So many messages that come in count as one request. */
const MESSAGES_A_REQUEST = 20;

/** An object is billed for all the memory it may have: 128 MB, in gigabytes as Cloudflare's examples count them. */
const GIGABYTES = 128 / 1000;

/** What is billed of some use, by the names of the prices. */
export const billed = ({connections, messages, awakeSeconds, rowsRead, rowsWritten, bytes}) => ({
  requests: connections + messages / MESSAGES_A_REQUEST,
  duration: awakeSeconds * GIGABYTES,
  rowsWritten,
  rowsRead,
  stored: bytes / 1e9,
  workerRequests: connections,
});

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** Dollars a month for each thing that is billed, at the list price. */
export const listed = (quantities) =>
  Object.fromEntries(Object.entries(prices).map(([name, {price}]) => [name, quantities[name] * price]));

/** Dollars a month with nothing included. */
export const total = (quantities) => sum(Object.values(listed(quantities)));

/** Dollars a month on top of the plan's $5, for an account that uses nothing else. */
export const onTop = (quantities) =>
  sum(Object.entries(prices).map(([name, {included, price}]) => Math.max(0, quantities[name] - included) * price));

/** What the free plan has too little of for a month's use on so many days, and how many times too little. */
export const freePlanLacks = (quantities, days) =>
  Object.entries(free)
    .map(([name, limit]) => ({name, times: quantities[name] / (name === 'stored' ? 1 : days) / limit}))
    .filter(({times}) => times > 1)
    .sort((one, other) => other.times - one.times);
