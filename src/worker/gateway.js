// Requests, before they reach a room: who sends them is found out here, in the Worker, so that nobody who may not come in
// wakes a room. Where somebody else's Worker hands a room a request as it came, the room asks the same.
import {verify} from './keys.js';
import {enter, module, twice} from './life.js';

/** The header with the ticket of a request, and the one that says that it had a token: it is not in the request any more. */
export const TICKET = 'x-tinyroom-ticket';
export const TICKETED = 'x-tinyroom-ticketed';

/** Goes on with a value, at once where nobody need wait for it: most requests bring no token. */
export const then = (value, next) => (value instanceof Promise ? value.then(next) : next(value));

/** What is to be done about a request: to let it into a room, or to answer it, as `answerTo` does. Or a promise of that. */
export const decide = (request, env, room) => {
  const gate = (verdict) => twice(() => enter(() => module.gate(request, env, room, verdict)));
  const found = gate();
  const {token} = found;
  if (token === undefined) return found;
  return verify(token, (set) => twice(() => enter(() => module.keys(set, token.text)))).then(gate);
};

/** The answer to a request that goes to no room; *undefined* where it is to go to one. */
export const answerTo = (found) => {
  const {response, code, reason, subprotocol} = found;
  if (response !== undefined) return withCors(response, found.cors);
  return code === undefined ? undefined : closed(code, reason, subprotocol);
};

/** A socket that is accepted and closed at once: a browser tells a page nothing of one that was not accepted. */
const closed = (code, reason, subprotocol) => {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.close(code, reason);
  const headers = subprotocol === undefined ? {} : {'sec-websocket-protocol': subprotocol};
  return new Response(null, {status: 101, webSocket: client, headers});
};

/** A response that pages of this origin may read, or of any, or of none. */
export const withCors = (promised, cors) =>
  then(promised, (response) => {
    if (response.status === 101) return response;
    if (cors) response.headers.set('access-control-allow-origin', cors);
    if (cors !== '*') response.headers.append('vary', 'origin');
    // Pages of origins that are named may send their cookies.
    if (cors && cors !== '*' && cors !== 'null') response.headers.set('access-control-allow-credentials', 'true');
    return response;
  });

/** What the Worker does with a request. */
export const visit = (request, env) =>
  then(decide(request, env), (found) =>
    then(limit(request, env, found), (limited) => limited ?? answerTo(found) ?? handOn(request, env, found)),
  );

const handOn = (request, env, found) => {
  const room = env.ROOMS.getByName(found.room);
  // A room of an earlier version takes everybody for one who may write.
  if (found.hadToken || found.access === 'read') return handOnWithTicket(request, room, found);
  // The room finds the same by itself.
  const isPlain = found.url === request.url && !request.headers.has(TICKET) && !request.headers.has(TICKETED);
  return room.fetch(isPlain ? request : withoutToken(request, found));
};

const handOnWithTicket = async (request, room, found) => {
  for (let attempt = 0; ; attempt++) {
    const ticket = await ticketOf(room, found);
    if (ticket === undefined && found.access === 'read') return unavailable(found);
    const response = await room.fetch(ticketed(request, found, ticket));
    // It has left memory between the two, and its tickets with it.
    if (attempt > 0 || !response.headers.has(TICKETED)) return response;
  }
};

/** A ticket; *undefined* where the room still runs a version that has none, and takes everybody for one who may write. */
const ticketOf = async (room, {access, sub, expiresAtMs, cors}) => {
  try {
    return await room.admit({access, sub, expiresAtMs, cors});
  } catch (error) {
    if (error instanceof TypeError && error.message.includes('does not support RPC')) return undefined;
    throw error;
  }
};

/** A request without its token. */
const withoutToken = (request, {url, subprotocols}) => {
  const passed = new Request(url, request);
  const {headers} = passed;
  headers.delete('authorization');
  headers.delete('cookie');
  headers.delete(TICKET);
  headers.delete(TICKETED);
  if (subprotocols !== '') headers.set('sec-websocket-protocol', subprotocols);
  else headers.delete('sec-websocket-protocol');
  return passed;
};

/** The same, with its ticket. */
const ticketed = (request, found, ticket) => {
  const passed = withoutToken(request, found);
  passed.headers.set(TICKETED, '1');
  if (ticket !== undefined) passed.headers.set(TICKET, ticket);
  return passed;
};

const problem = (status, title, detail, headers) =>
  new Response(JSON.stringify({title, status, detail}), {
    status,
    headers: {'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers},
  });

/** What a room says of a ticket that it does not know. */
export const ticketUnknown = () =>
  problem(503, 'Service Unavailable', 'The room has restarted. Try again.', {[TICKETED]: '1', 'retry-after': '1'});

/** What a reader is told while the room runs a version that knows none. */
const unavailable = ({isUpgrade, subprotocol, cors}) =>
  isUpgrade
    ? closed(1013, 'tinyroom: the room is being updated', subprotocol)
    : withCors(problem(503, 'Service Unavailable', 'The room is being updated. Try again.', {'retry-after': '30'}), cors);

/** Where a rate limit is bound as JOINS, an answer to whoever joins too often, or sends too many bad tokens. */
const limit = (request, {JOINS}, found) =>
  JOINS !== undefined && (found.isUpgrade || found.isRefused) ? limitBy(JOINS, request, found) : undefined;

const limitBy = async (JOINS, request, found) => {
  const {success} = await JOINS.limit({key: request.headers.get('cf-connecting-ip') ?? ''});
  if (success) return undefined;
  if (found.isUpgrade) return closed(1013, 'tinyroom: too many joins from this address (JOINS)', found.subprotocol);
  return withCors(problem(429, 'Too Many Requests', 'Too many bad tokens from this address.', {'retry-after': '60'}), found.cors);
};
