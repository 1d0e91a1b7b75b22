// Whether a token's signature is good.

const HOUR_MS = 3_600_000;
/** How long a set of keys counts as it is, and how long where its issuer is down. */
const [FRESH_MS, OLD_MS] = [HOUR_MS, 24 * HOUR_MS];
/** How long an issuer is not asked again, for a key that was not in its set, and after it was down. */
const [UNKNOWN_MS, DOWN_MS] = [60_000, 5000];
/** How long an issuer may take, and how long its set may be, in characters. */
const [PATIENCE_MS, MAX_SET] = [5000, 256 * 1024];
/** How often one request looks whether another has got a set. */
const LOOK_AGAIN_MS = 20;
const MAX_IMPORTED = 64;

const ALGORITHMS = {
  HS256: {name: 'HMAC', hash: 'SHA-256'},
  RS256: {name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256'},
  ES256: {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'},
  EdDSA: {name: 'Ed25519'},
};

/** Keys that have been imported, by algorithm and text. */
const imported = new Map();

const importKey = async (algorithm, key) => {
  const id = `${algorithm} ${key}`;
  let found = imported.get(id);
  if (found === undefined) {
    const format = typeof key === 'string' ? 'jwk' : 'raw';
    const data = format === 'jwk' ? JSON.parse(key) : key;
    found = await crypto.subtle.importKey(format, data, ALGORITHMS[algorithm], false, ['verify']);
    if (imported.size >= MAX_IMPORTED) imported.clear();
    imported.set(id, found);
  }
  return found;
};

const isSignedBy = async (key, {algorithm, input, signature}) => {
  try {
    return await crypto.subtle.verify(ALGORITHMS[algorithm], await importKey(algorithm, key), signature, input);
  } catch (error) {
    // A key that cannot be imported has signed nothing.
    console.warn(`a key for ${algorithm} cannot be used: ${error}`);
    return false;
  }
};

/** What comes of verifying a token: an empty text, or what is wrong. `keysIn` finds the token's keys in a set. */
export const verify = async (token, keysIn) => {
  const keys = token.keys ?? (await fetchedKeys(token.url, keysIn));
  if (keys === undefined) return 'keys unavailable';
  if (keys.length === 0) return 'unknown key';
  for (const key of keys) {
    if (await isSignedBy(key, token)) return '';
  }
  return 'signature';
};

/** What is known of the sets at URLs: the text, when it was got, and when it was last asked for. */
const sets = new Map();

/** The keys in the set at a URL that may have signed a token; *undefined* where the set cannot be got. */
const fetchedKeys = async (url, keysIn) => {
  const now = Date.now();
  const set = sets.get(url) ?? {at: -Infinity, askedAt: -Infinity, askingUntil: 0};
  sets.set(url, set);
  if (now - set.at > FRESH_MS) await renew(url, set, keysIn, FRESH_MS, DOWN_MS);
  if (now - set.at > OLD_MS) return undefined;
  const keys = keysIn(set.text);
  if (keys.length > 0) return keys;
  await renew(url, set, keysIn, 0, UNKNOWN_MS);
  return keysIn(set.text);
};

/** Gets a set anew, from another isolate's hand where that is fresh enough, or from its issuer where it was not asked of late. */
const renew = async (url, set, keysIn, freshMs, calmMs) => {
  const now = Date.now();
  const cached = await fromCache(url);
  if (cached !== undefined && cached.at > set.at && keysIn(cached.text) !== undefined) Object.assign(set, cached);
  if (now - set.at < freshMs) return;
  // Somebody else asks just now. What that request waits for this one cannot wait for, so it looks again and again.
  const isAsking = () => set.askingUntil > Date.now();
  if (isAsking()) {
    while (isAsking()) await scheduler.wait(LOOK_AGAIN_MS);
    return;
  }
  if (now - set.askedAt < calmMs) return;
  set.askedAt = now;
  set.askingUntil = now + PATIENCE_MS;
  try {
    const text = await fromIssuer(url);
    if (keysIn(text) === undefined) throw new Error('it is no JWK set');
    Object.assign(set, {text, at: now});
    await intoCache(url, set);
  } catch (error) {
    console.error(`the keys at TOKEN_JWKS cannot be got: ${error}`);
  } finally {
    set.askingUntil = 0;
  }
};

const fromIssuer = async (url) => {
  // What leads elsewhere is no answer.
  const response = await fetch(url, {redirect: 'manual', signal: AbortSignal.timeout(PATIENCE_MS)});
  if (!response.ok) throw new Error(`status ${response.status}`);
  const text = await response.text();
  if (text.length > MAX_SET) throw new Error(`it has more than ${MAX_SET} characters`);
  return text;
};

/** A name that no request from outside has in the cache. */
const cacheKey = (url) => `https://tinyroom.invalid/keys?${encodeURIComponent(url)}`;

const fromCache = async (url) => {
  try {
    const response = await caches.default.match(cacheKey(url));
    return response === undefined ? undefined : {text: await response.text(), at: Number(response.headers.get('x-at'))};
  } catch {
    // There is none everywhere.
    return undefined;
  }
};

const intoCache = async (url, {text, at}) => {
  try {
    const headers = {'cache-control': `max-age=${OLD_MS / 1000}`, 'x-at': String(at)};
    await caches.default.put(cacheKey(url), new Response(text, {headers}));
  } catch {
    // As above.
  }
};
