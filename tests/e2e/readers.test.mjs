// Those who may read and not write, as real clients of every version, and those whose time is over.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {atTheEnd, cleanUp} from './support/cleanup.mjs';
import {connect, createStore, leaveAll, versions} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {begunClient} from './support/raw.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {everywhere, SECRET, token} from './support/tokens.mjs';
import {aMoment, until, untilQuiet} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);
const worker = await startWorker({settings: {ACCESS: 'closed', TOKEN_SECRETS: SECRET, TOKEN_LEEWAY_S: 0}});
const network = await startNetwork(worker);

const writers = await token(everywhere('write'));
const readers = await token(everywhere('read'));
const urlOf = (path, text, base = worker.ws) => `${base(path)}?token=${text}`;
const stored = (path) => worker.content(`${path}?token=${readers}`);

const ordered = (value) =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([id, child]) => [id, ordered(child)]))
    : value;

/** What a store shows, in whatever order it has come. */
const shown = (store) => JSON.stringify([ordered(store.getTables()), ordered(store.getValues())]);
const untilShown = (clients, writer, what) =>
  until(() => clients.every(({store}) => shown(store) === shown(writer.store)), () =>
    `${what}: ${clients.map(({version, store}) => `${version} ${shown(store)}`)}, not ${shown(writer.store)}`, 60);

for (const version of versions) {
  test(`a reader of ${version} gets everything live, and what it edits is undone at it and seen nowhere else`, async () => {
    const path = `/readers/${version}`;
    const writer = await connect('10.0', urlOf(path, writers));
    writer.store.setTables({pets: {fido: {name: 'Fido', sold: false}, felix: {name: 'Felix'}}});
    writer.store.setValue('open', true);
    const witness = await connect('10.0', urlOf(path, readers));
    const reader = await connect(version, urlOf(path, readers));
    await untilShown([reader, witness], writer, 'what was there');
    writer.store.setCell('pets', 'fido', 'sold', true);
    await untilShown([reader, witness], writer, 'what is edited');
    const before = JSON.stringify(await stored(path));
    await untilQuiet(() => witness.traffic.received.length + writer.traffic.received.length);
    const [seenByWitness, seenByWriter] = [witness, writer].map(({traffic}) => traffic.received.length);

    for (const edit of [
      () => reader.store.setCell('pets', 'fido', 'name', 'Rex'),
      () => reader.store.setRow('pets', 'new', {name: 'New'}),
      () => reader.store.delCell('pets', 'felix', 'name', true),
      () => reader.store.delRow('pets', 'fido'),
      () => reader.store.setTable('species', {dog: {price: 5}}),
      () => reader.store.setValue('open', false),
      () => reader.store.setValue('mine', 1),
      () => reader.store.delValues(),
      () => reader.store.delTables(),
    ]) {
      edit();
      assert.notEqual(shown(reader.store), shown(writer.store));
      await untilShown([reader], writer, `after ${edit}`);
    }
    await aMoment();
    assert.equal(JSON.stringify(await stored(path)), before);
    const others = (client, from) => client.traffic.received.slice(from).filter((frame) => frame.includes(',3,'));
    assert.deepEqual([others(witness, seenByWitness), others(writer, seenByWriter)], [[], []]);

    // What others write from then on reaches it, whatever stamps it has, and also after the room has slept.
    writer.store.setCell('pets', 'fido', 'name', 'Fido II');
    writer.store.setRow('pets', 'new', {name: 'Honestly new'});
    await untilShown([reader, witness], writer, 'what others write there');
    await worker.evict(path.slice(1));
    writer.store.setCell('pets', 'felix', 'name', 'Felix II');
    writer.store.setValue('mine', 'ours');
    await untilShown([reader, witness], writer, 'what others write after a sleep');
    assert.equal(reader.traffic.closed, undefined);
    await leaveAll([reader, writer, witness]);
  });

  test(`what a reader of ${version} has edited offline is undone when it is back, and then there is rest`, async () => {
    const path = `/offline/${version}`;
    const writer = await connect('10.0', urlOf(path, writers));
    writer.store.setTable('pets', Object.fromEntries(Array.from({length: 50}, (_, n) => [`p${n}`, {name: `pet ${n}`}])));
    const store = await createStore(version);
    const socket = new SteadyWebSocket(urlOf(path, readers, network.ws), undefined, atOnce);
    atTheEnd(() => socket.close());
    const reader = await connect(version, undefined, {store, socket});
    await untilShown([reader], writer, 'what was there');
    network.cut();
    await until(() => socket.readyState !== socket.OPEN, 'the socket to break');
    store.setCell('pets', 'p1', 'name', 'mine');
    store.setCell('pets', 'mine', 'name', 'mine');
    store.delRow('pets', 'p2');
    writer.store.setCell('pets', 'p1', 'name', 'ours');
    writer.store.setCell('pets', 'p3', 'name', 'ours');
    network.mend();
    await untilShown([reader], writer, 'after the cut');
    await untilQuiet(() => reader.traffic.received.length);
    assert.equal(reader.traffic.closed, undefined);
    await leaveAll([reader, writer]);
  });
}

test('readers that edit as fast as they can are seen by nobody, and hold up nobody', async () => {
  const path = '/rude';
  const writer = await connect('10.0', urlOf(path, writers));
  const rude = await Promise.all(['5.4', '8.5', '10.0'].map((version) => connect(version, urlOf(path, readers))));
  for (let n = 0; n < 300; n++) {
    rude.forEach(({store}, index) => store.setCell('t', `r${n % 20}`, 'c', `${index} ${n}`));
    if (n % 10 === 0) {
      writer.store.setCell('t', `r${n % 30}`, 'c', n);
      await new Promise(setImmediate);
    }
  }
  await untilShown(rude, writer, 'in the end');
  await leaveAll([...rude, writer]);
});

const expiring = (seconds, access = 'write') => {
  const exp = Date.now() / 1000 + seconds;
  return token({...everywhere(access), exp});
};

for (const sleeps of [false, true]) {
  test(`whose token has run out is closed at the first event, and gets nothing of it${sleeps ? ', after a sleep too' : ''}`, async () => {
    const path = `/expiry/${sleeps}`;
    const writer = await begunClient(urlOf(path, writers));
    const begun = Date.now();
    const guest = await begunClient(urlOf(path, await expiring(3)));
    writer.send('\n[null,3,[[{}],[{"v":[1,"OhqqeV-----Alice"]}],1]]');
    await until(() => guest.traffic.received.some((frame) => frame.includes('"v"')), 'what comes while it is good');
    await until(() => Date.now() > begun + 3100, 'its end');
    if (sleeps) await worker.evict(path.slice(1));
    await aMoment();
    assert.equal(guest.traffic.closed, undefined, 'there is no timer for it');
    guest.heard();
    writer.send('\n[null,3,[[{}],[{"v":[2,"OhqqeV----1Alice"]}],1]]');
    await guest.closed();
    assert.deepEqual(guest.traffic.closed, {code: 4401, reason: 'token expired'});
    assert.deepEqual(guest.heard(), []);
  });
}

test('a message of its own closes whose token has run out, and is not taken', async () => {
  const path = '/expiry/own';
  const writer = await begunClient(urlOf(path, writers));
  const begun = Date.now();
  const guest = await begunClient(urlOf(path, await expiring(2)));
  await until(() => Date.now() > begun + 2100, 'its end');
  guest.send('\n[null,3,[[{}],[{"late":[1,"OhqqeV-----Alice"]}],1]]');
  await guest.closed();
  assert.equal(guest.traffic.closed.code, 4401);
  await aMoment();
  assert.ok(!writer.heard().some((frame) => frame.includes('late')));
  assert.equal(await stored(path), null);
});

test('a socket that comes back brings a fresh token, and goes on where an old one would not do', async () => {
  const path = '/fresh';
  const tokens = [];
  const protocols = async () => {
    tokens.push(await expiring(2));
    return ['tinyroom', `bearer.${tokens.at(-1)}`];
  };
  const socket = new SteadyWebSocket(network.ws(path), protocols, atOnce);
  atTheEnd(() => socket.close());
  const guest = await connect('10.0', undefined, {socket});
  await until(() => socket.readyState === socket.OPEN, 'a socket');
  assert.equal(socket.protocol, 'tinyroom');
  const begun = Date.now();
  const writer = await connect('8.5', urlOf(path, writers));
  await until(() => Date.now() > begun + 2100, 'the end of the first token');
  // Its next message closes it, and it comes back.
  guest.store.setValue('by the guest', 1);
  await untilShown([writer], guest, 'what the guest wrote as its token ran out');
  assert.ok(tokens.length > 1 && new Set(tokens).size === tokens.length);
  await leaveAll([guest, writer]);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
