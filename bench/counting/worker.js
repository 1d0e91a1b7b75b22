// A contender whose every statement is counted: `GET /` answers how many rows have been written since it was asked last.
import contender, {Room as Contender} from 'contender';

const cursors = [];

// A cursor knows what it has written once it has been read to its end, so it is asked later.
const count = ({sql}) => {
  const prototype = Object.getPrototypeOf(sql);
  const {exec} = prototype;
  if (exec.isCounted) return;
  prototype.exec = function (...statement) {
    const cursor = exec.apply(this, statement);
    cursors.push(cursor);
    return cursor;
  };
  prototype.exec.isCounted = true;
};

export class Room {
  constructor(context, env) {
    count(context.storage);
    return new Contender(context, env);
  }
}

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname !== '/') {
      return typeof contender === 'function'
        ? new contender(context, env).fetch(request)
        : contender.fetch(request, env, context);
    }
    const rows = cursors.splice(0).reduce((sum, {rowsWritten}) => sum + rowsWritten, 0);
    return Response.json({rows});
  },
};
