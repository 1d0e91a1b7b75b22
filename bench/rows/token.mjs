import {medians} from '../arena.mjs';
import {timeOfJoin} from '../generator/join.mjs';
import {newRoom} from '../generator/room.mjs';
import {percentile} from '../statistics.mjs';
import {newSecret, newToken} from '../../tools/tokens.mjs';

const JOINS = 200;
const secret = newSecret();

/** Times of sockets to rooms that are awake, each closed before the next. */
const times = async (server, joins, protocols) => {
  const url = server.url(newRoom());
  for (let join = 0; join < 20; join++) await timeOfJoin(url, await protocols());
  const all = [];
  for (let join = 0; join < joins; join++) all.push(await timeOfJoin(url, await protocols()));
  return all;
};

/** One is like the other but for its end: each is verified anew. */
const withToken = (sub = 0) => () => ['tinyroom', `bearer.${newToken({sub: `user ${sub++}`, rooms: {'*': 'write'}}, 3600, secret)}`];

export const token = async (arena) => {
  const joins = arena.quick ? 50 : JOINS;
  const count = arena.quick ? 3 : 5;
  const options = {settings: {TOKEN_SECRETS: secret}};
  const without = await arena.rounds('a join without a token', {
    names: ['tinyroom', 'none'],
    count,
    options,
    measure: (server) => times(server, joins, () => undefined),
  });
  const verified = await arena.rounds('a join with a token', {
    names: ['tinyroom'],
    count,
    options,
    measure: (server) => times(server, joins, withToken()),
  });
  const line = (what, results) => {
    const by = medians(results, (all) => percentile(all, 0.5));
    return {what, unit: 'ms', better: 'less', by, targets: []};
  };
  const join = 'a join, from the call for a socket to the answer to a first question: median';
  return {lines: [line(`${join}, without a token`, without), line('the same with a token (HS256)', verified)]};
};
