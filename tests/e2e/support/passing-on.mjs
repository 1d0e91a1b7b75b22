// Runs in workerd, around the built Worker: what else may stand in front of rooms, and what a room was before there was access.
import worker, {Room as BuiltRoom} from './index.js';

const seen = [];

/** Notes what reaches a room. */
export class Room extends BuiltRoom {
  fetch(request) {
    seen.push([request.url, ...request.headers].join('\n'));
    return super.fetch(request);
  }
}

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    switch (request.headers.get('x-stand-for')) {
      // What has reached rooms until now.
      case 'witness':
        return Response.json(seen.splice(0));
      // Somebody's own Worker, which hands a room all that comes, whatever is in its URL.
      case 'other-worker':
        return env.ROOMS.getByName('secret').fetch(request);
      // The same by an id without a name.
      case 'unnamed':
        return env.ROOMS.get(env.ROOMS.idFromString(url.searchParams.get('id'))).fetch(request);
      case 'new-id':
        return new Response(env.ROOMS.newUniqueId().toString());
      default:
        return new worker(ctx, env).fetch(request);
    }
  },
};
