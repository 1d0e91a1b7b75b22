// A room with content and raw clients in it.
import {setTimeout as sleep} from 'node:timers/promises';
import {connectRaw, connectRaws, leaveAll} from './raw.mjs';
import {content} from './texts.mjs';

let rooms = 0;

/** A name that no room has had yet. */
export const newRoom = () => `room-${++rooms}`;

/** Asks a room with a store for its hashes, and says that it has them: who has asked and said nothing is taken to load. */
export const askHashes = (client, number) =>
  new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error('the room does not answer')), 600_000);
    const {onFrame} = client;
    client.onFrame = (data) => {
      const text = data.toString();
      if (!text.startsWith(`S\n["idle${number}",0,`)) return onFrame(data, client);
      clearTimeout(deadline);
      client.onFrame = onFrame;
      const hashes = text.slice(text.indexOf(',0,') + 3, -1);
      client.send(`S\n["idle${number}",2,${hashes}]`);
      resolve(hashes);
    };
    client.send(`S\n["idle${number}",1,""]`);
  });

/** Waits until a room with a store has nothing left to do: it answers at once, several times in a row. */
export const untilIdle = async (client) => {
  let hashes;
  for (let prompt = 0, number = 0; prompt < 4; number++) {
    const start = performance.now();
    hashes = await askHashes(client, number);
    prompt = performance.now() - start < 10 ? prompt + 1 : 0;
    await sleep(20);
  }
  return hashes;
};

/**
 * A raw client that fills a new room. Contenders without a store hand the content on, and forget it. The rival's store
 * takes nothing until everybody has told it what they hold, or a second has passed; so this one says: nothing.
 */
export const fill = async (server, room, rows, cells, options) => {
  const answer = (data, self) => {
    const question = /^S\n\[("[^"]+"),1,""\]$/.exec(data.toString());
    if (question) self.send(`S\n[${question[1]},0,[0,0]]`);
  };
  const client = await connectRaw(server.url(room), answer, options);
  if (server.hasStore) {
    await untilIdle(client);
    await sleep(100);
  }
  client.onFrame = () => {};
  for (const text of content(rows, cells)) {
    client.send(text);
    if (server.hasStore && (await untilIdle(client)) === '[0,0]') throw new Error('the room takes no content');
  }
  return client;
};

/**
 * Raw clients in a new room with content, after the greetings have passed. Each round is to take a new one: a room that
 * has been quiet for ten seconds hibernates, and the rival, awake again, keeps nothing until it has heard from real
 * clients or waited for them in vain.
 */
export const openRoom = async (server, {clients, rows, cells = 3, ...options}) => {
  const room = newRoom();
  const first = await fill(server, room, rows, cells, options);
  const members = [first, ...(await connectRaws(server.url(room), clients - 1, options))];
  await sleep(400);
  return {
    room,
    members,
    /** Leaves when the room has nothing left to do, so that it does not weigh on what is measured next. */
    leave: async () => {
      if (server.hasStore) await untilIdle(first);
      await leaveAll(members);
    },
  };
};

/** Lets one write and the others read in a new room, leaves it, and answers what `action` found. */
export const inNewRoom = async (server, {readers, ...content}, action) => {
  const {members, leave} = await openRoom(server, {clients: readers + 1, ...content});
  const [writer, ...others] = members;
  const found = await action(writer, others);
  await leave();
  return found;
};
