// Which input comes at which number: it hangs on the seed and the number alone.
import {randomFrom} from '../fixtures/generate/random.mjs';
import {memberKinds} from './frames.mjs';
import {strangerKinds} from './requests.mjs';
import {pass} from './tokens.mjs';
import {head} from './wire.mjs';

const reads = ['', '?journal', '?journal=1', '?journal=x', '?journal=99999999999', '?verify', '?access', '?a=b'];

const kinds = [
  ...strangerKinds.map(([weight, kind, make]) => [weight, kind, (random, room) => ({isStrange: true, ...make(random, room)})]),
  ...memberKinds.map(([weight, kind, ends, make]) => [weight, kind, (random) => ({ends, ...make(random)})]),
  [1, 'reads by members', (random, room) => {
    const lines = ['Host: room.example.com', `Authorization: Bearer ${pass({[room]: 'read'})}`, 'Connection: close'];
    return {what: 'a read', isRead: true, bytes: head(`${random.pick(['GET', 'GET', 'HEAD', 'OPTIONS', 'POST'])} /${room}${random.pick(reads)} HTTP/1.1`, lines)};
  }],
  // Good in another room.
  [3, 'tokens of another room', (random, room) => {
    const text = pass({'elsewhere/*': 'admin', [`${room}x`]: 'write'}, {sub: 'other'});
    const lines = ['Host: room.example.com', `Authorization: Bearer ${text}`, 'Connection: close'];
    return {what: 'a good token for others', isStrange: true, bytes: head(`GET /${room}${random.pick(reads)} HTTP/1.1`, lines)};
  }],
  [0.05, 'crowds of one person', (random) => ({what: 'many sockets at once', crowd: 17 + random.below(10)})],
];
const total = kinds.reduce((sum, [weight]) => sum + weight, 0);

export const inputAt = (seed, number, rooms) => {
  const random = randomFrom(`${seed} input ${number}`);
  // The first numbers of a seed that differs in its last letters only are near to each other.
  random.times(8, 8, random.bits);
  let rest = (random.bits() / 2 ** 32) * total;
  const [, kind, make] = kinds.find(([weight]) => (rest -= weight) < 0) ?? kinds[0];
  const room = random.pick(rooms);
  const access = random.chance(0.65) ? 'write' : 'read';
  const input = make(random, room.path.slice(1));
  return {number, kind, room, access, ...input};
};
