// What clients of some versions do wrong whatever a room does. It must stay with them: the room holds the right content,
// and hands it to every other client. Where a newer version does better, that is shown beside it.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {getHlcFunctions} from 'tinybase';
import {cleanUp} from './support/cleanup.mjs';
import {connect, createStore, untilEqual, versions} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {ReconnectingWebSocket, atOnce} from './support/reconnecting.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
const network = await startNetwork(worker);
after(cleanUp);

const isBefore9 = (version) => parseInt(version) < 9;
const [, , encodeHlc] = getHlcFunctions('a client far ahead');

for (const version of versions) {
  const loses = isBefore9(version);

  test(`an edit by ${version} right after the last stamp of a moment is ${loses ? 'lost' : 'kept'}`, async () => {
    // The counter of the stamp is full: the next is to be in the next millisecond, and up to 8.5 it starts again in the same.
    const path = `/counter/${version}`;
    const other = await begunClient(worker.ws(path));
    const client = await connect(version, worker.ws(path));
    const full = encodeHlc(Date.now() + 200_000, 2 ** 24 - 1);
    other.send(`\n${body('edit', 3, changes({c: ['theirs', full]}))}`);
    await until(() => client.store.getCell('t', 'r', 'c') === 'theirs', 'an edit of the other');
    client.store.setCell('t', 'r', 'c', 'mine').setCell('t', 'r', 'd', 'also mine');
    await until(async () => (await worker.content(path))[0][0].t[0].r[0].d, 'an edit of the client');
    const [[tables]] = await worker.content(path);
    assert.equal(tables.t[0].r[0].c[0], loses ? 'theirs' : 'mine');
    assert.equal(tables.t[0].r[0].c[1] === full, loses);
    await client.leave();
  });

  test(`a change with a stamp from the future is ${loses ? 'taken' : 'dropped'} by ${version}`, async () => {
    const store = await createStore(version);
    const [future, now] = [hlc(Date.now() + 600_000), hlc()];
    store.applyMergeableChanges(changes({ahead: [1, future], present: [2, now]}));
    assert.deepEqual({...store.getRow('t', 'r')}, loses ? {ahead: 1, present: 2} : {});
    // The next stamp of one that took it lies in the future as well.
    store.setCell('t', 'r', 'mine', 3);
    assert.equal(store.getMergeableContent()[0][0].t[0].r[0].mine[1] > future, loses);
  });

  test(`a table called constructor is ${loses ? 'not shown by' : 'shown by'} ${version}, and all else is`, async () => {
    const path = `/constructor/${version}`;
    const other = await begunClient(worker.ws(path));
    const client = await connect(version, worker.ws(path));
    const table = [{r: [{c: [1, hlc()]}]}];
    other.send(`\n${body('edit', 3, [[{constructor: table, t: table}], [{v: [2, hlc()]}], 1])}`);
    other.send(`\n${body('edit', 3, changes({after: [3, hlc()]}))}`);
    await until(() => client.store.getCell('t', 'r', 'after') === 3, 'the edits of the other');
    assert.equal(client.store.getCell('t', 'r', 'c'), 1);
    assert.equal(client.store.getValue('v'), 2);
    assert.equal(client.store.getTableIds().includes('constructor'), !loses);
    assert.equal((await worker.content(path))[0][0].constructor[0].r[0].c[0], 1);
    await client.leave();

    const newer = await connect('10.0', worker.ws(path));
    await untilEqual(worker, path, [newer]);
    assert.equal(newer.store.getCell('constructor', 'r', 'c'), 1);
    await newer.leave();
  });
}

for (const version of ['8.5', '9.7', '10.0']) {
  const hears = isBefore9(version);
  test(`under ${version} a bare reconnecting socket ${hears ? 'hears again' : 'is deaf'} once it is back`, async () => {
    const path = `/deaf/${version}`;
    const socket = new ReconnectingWebSocket(network.ws(path), undefined, atOnce);
    const client = await connect(version, undefined, {socket});
    const other = await connect('10.0', worker.ws(path));
    network.cut();
    await until(() => socket.readyState !== socket.OPEN, 'the socket to break');
    other.store.setValue('meanwhile', 1);
    network.mend();
    await until(() => socket.readyState === socket.OPEN, 'the socket to be back');
    const received = client.traffic.received.length;
    // The room does ask, at once or after its greeting is due; whether anybody listens is up to the client.
    await until(() => client.traffic.received.length > received, 'a question of the room');
    await aMoment();
    assert.equal(client.store.getValue('meanwhile'), hears ? 1 : undefined);
    await client.leave();
    await other.leave();
  });
}

test('ids that V8 mixes up when it reads JSON stay apart in a room', async () => {
  // These texts, one after the other, are what V8 from 12.8 on (Node 24) reads wrong.
  const path = '/escapes';
  const client = await begunClient(worker.ws(path));
  const stamp = hlc();
  client.send(`\n${body('edit', 3, changes({h: [0, stamp], '\\': [0, stamp]}))}`);
  client.send(`\n${body('edit', 3, changes({h: [1, hlc()], '"': [2, hlc()]}))}`);
  client.send(`\n${body('edit', 3, changes({last: [3, hlc()]}))}`);
  const text = async () => (await fetch(worker.http(path))).text();
  await until(async () => (await text()).includes('"last"'), 'the edits');
  const found = await text();
  assert.ok(found.includes(`"\\\\":[0,"${stamp}"`), found);
  assert.ok(found.includes(`"\\"":[2,`), found);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
