// What the Worker has found out about whoever sends a request, on its way to the room.
//
// A header can be forged by anyone, and what the runtime itself adds to a request in local runs too. So the Worker tells the
// room by a call that no client can make, and gets a number that nobody can guess, which the request carries and which is
// good once.

/** How long a ticket is good, and how many there may be: a request follows its ticket at once. */
const [GOOD_FOR_MS, MOST] = [30_000, 4096];

export class Tickets {
  #grants = new Map();

  issue(grant) {
    const now = Date.now();
    // They lie in the order in which they were issued.
    for (const [ticket, {until}] of this.#grants) {
      if (until > now && this.#grants.size < MOST) break;
      this.#grants.delete(ticket);
    }
    const ticket = crypto.randomUUID();
    this.#grants.set(ticket, {grant, until: now + GOOD_FOR_MS});
    return ticket;
  }

  /** What a ticket is for. It is good no more. */
  take(ticket) {
    const found = this.#grants.get(ticket);
    this.#grants.delete(ticket);
    return found !== undefined && found.until > Date.now() ? found.grant : undefined;
  }
}
