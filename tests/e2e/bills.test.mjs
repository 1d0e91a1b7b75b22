// Whether `make costs` counts what is billed, and what it makes of that.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {start} from '../../bench/contenders.mjs';
import {billed, freePlanLacks, listed, onTop, total} from '../../bench/costs/prices.mjs';
import {createStage, seenByAll} from '../../bench/costs/stage.mjs';
import {atTheEnd, cleanUp} from './support/cleanup.mjs';

after(cleanUp);

const nothing = {connections: 0, messages: 0, rowsRead: 0, rowsWritten: 0, awakeSeconds: 0, bytes: 0};
const month = (use) => billed({...nothing, ...use});
const cents = (value) => Math.round(value * 100);

test('the sums of Cloudflare’s own examples come out, but for what they round up', () => {
  // 50 sockets to each of 100 objects each day, and 72 million messages in 86.4 million seconds awake.
  const quantities = month({connections: 150_000, messages: 72e6, awakeSeconds: 86.4e6});
  assert.equal(quantities.requests, 3_750_000);
  assert.equal(Math.round(quantities.duration), 11_059_200);
  assert.equal(cents(onTop(quantities)), cents(0.4125 + 133.24));
  // 100 sockets to each of 100 objects that sleep between 432 million messages.
  const asleep = month({connections: 10_000, messages: 432e6, awakeSeconds: 4.32e6});
  assert.equal(asleep.requests, 21_610_000);
  assert.equal(cents(onTop(asleep)), cents(3.0915 + 1.912));
});

test('within the plan’s allowance nothing is paid on top, and at list price all of it is', () => {
  const quantities = month({rowsWritten: 50e6, bytes: 5e9});
  assert.equal(onTop(quantities), 0);
  assert.equal(cents(listed(quantities).rowsWritten), 5000);
  assert.equal(cents(total(quantities)), 5100);
});

test('the free plan lacks first what it lacks most, day by day, and of what is stored in all', () => {
  const quantities = month({rowsWritten: 6e6, connections: 4e6, bytes: 4e9});
  const lacking = freePlanLacks(quantities, 30).map(({name, times}) => [name, Number(times.toFixed(2))]);
  assert.deepEqual(lacking, [['rowsWritten', 2], ['requests', 1.33], ['workerRequests', 1.33]]);
  assert.deepEqual(freePlanLacks(month({bytes: 4e9, rowsWritten: 3e6}), 30), []);
});

/** Two clients in a room of a server, and what is billed of a change by one of them, awake and after a pause. */
const billOfAChange = async (name, settings) => {
  const server = await start(name, {counts: true, settings});
  atTheEnd(server.stop);
  const stage = createStage(server);
  await stage.fill({t: {r: {c: 0}}});
  const clients = [];
  const join = async () => clients.push(await stage.open());
  await join();
  const joined = await stage.billedFor(join);
  const change = (value) => async () => {
    clients[0].store.setCell('t', 'r', 'c', value);
    await seenByAll(clients, ['t', 'r', 'c'], value);
  };
  const changed = await stage.billedFor(change(1));
  await stage.pause(60);
  const woken = await stage.billedFor(change(2));
  await Promise.all(clients.map((client) => client.leave()));
  return {joined, changed, woken};
};

test('a connection, a message, a row and an event are counted as such, and rows are read at a wake', async () => {
  const {joined, changed, woken} = await billOfAChange('tinyroom', {});
  assert.equal(joined.connections, 1);
  assert.equal(joined.rowsWritten, 0);
  assert.ok(joined.messages >= 1);
  const {awakeMs, rowsRead, bytes, ...counts} = changed;
  assert.deepEqual(counts, {connections: 0, messages: 1, rowsWritten: 1});
  assert.ok(awakeMs >= 10 && bytes > 0);
  assert.ok(woken.rowsRead > rowsRead, `${rowsRead} rows read awake, ${woken.rowsRead} at a wake`);
  assert.equal(woken.rowsWritten, 1);
});

test('a timer counts as awake for as long as it runs', async () => {
  const {changed} = await billOfAChange('tinyroom', {KEEP_WITHIN_MS: 1000});
  assert.equal(changed.rowsWritten, 1);
  assert.ok(changed.awakeMs >= 1000, `${changed.awakeMs} ms`);
});

test('of the rival it is counted what its wake asks and writes', async () => {
  const {changed, woken} = await billOfAChange('fragmented', {});
  assert.ok(woken.messages > changed.messages, `${changed.messages} messages awake, ${woken.messages} at a wake`);
  assert.ok(woken.rowsWritten > changed.rowsWritten, `${changed.rowsWritten} rows awake, ${woken.rowsWritten} at a wake`);
});
