// Asks a passkey to sign what an approval file says, and makes passkeys: docs/formats.md, "Passkeys". It calls nobody: files come in, files go out.

const registry = document.querySelector('meta[name=registry]').content;
const element = id => document.getElementById(id);
const utf8 = text => new TextEncoder().encode(text);
const sha256 = async bytes => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

class Problem extends Error {}

// --- bytes and texts -------------------------------------------------------------------------------------------------

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

const base64url = bytes =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const fromBase64url = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), letter => letter.charCodeAt(0));

// RFC 8785. Our texts hold no fractions, and JSON.stringify writes strings and integers as it asks.
function jcs(value) {
  if (Array.isArray(value)) return `[${value.map(jcs).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map(name => `${JSON.stringify(name)}:${jcs(value[name])}`).join(',')}}`;
}

// An authenticator's signature is DER, SEQUENCE { INTEGER r, INTEGER s }; ours are r and s, 32 bytes each.
function rawSignature(der) {
  const integer = at => ({ bytes: der.slice(at + 2, at + 2 + der[at + 1]), next: at + 2 + der[at + 1] });
  const r = integer(2), s = integer(r.next);
  const fixed = bytes => joined(new Uint8Array(32), bytes).slice(-32);
  return joined(fixed(r.bytes), fixed(s.bytes));
}

const publicJwk = ({ crv, kty, x, y }) => ({ crv, kty, x, y });
const keyId = async jwk => base64url(await sha256(utf8(jcs(jwk))));

// --- signing ---------------------------------------------------------------------------------------------------------

// Asks for a signature over claims, and finds among the keys the one that gave it: an assertion does not name its key.
async function sign(type, claims, keys, allowed) {
  const text = utf8(jcs(claims));
  const challenge = await sha256(joined(utf8(type), new Uint8Array(1), text));
  const assertion = await navigator.credentials.get({
    publicKey: { challenge, rpId: location.hostname, userVerification: 'required', allowCredentials: allowed },
  });
  const { authenticatorData, clientDataJSON, signature } = assertion.response;
  const [authenticator, client, raw] = [new Uint8Array(authenticatorData), new Uint8Array(clientDataJSON), rawSignature(new Uint8Array(signature))];
  const signed = joined(authenticator, await sha256(client));
  for (const jwk of keys) {
    if (await crypto.subtle.verify(ecdsa, await crypto.subtle.importKey('jwk', jwk, ecdsa, true, ['verify']), raw, signed)) {
      const header = utf8(jcs({ alg: 'ES256', jwk, typ: type }));
      return { token: [header, text, authenticator, client, raw].map(base64url).join('.'), jwk };
    }
  }
  throw new Problem('The passkey that signed is not one of an operator as this file names them. If it was added after the file was made, make the file again.');
}

const now = () => Math.floor(Date.now() / 1000);

// --- approving -------------------------------------------------------------------------------------------------------

const list = numbers => numbers.length === 1 ? `entry ${numbers[0]}` : `entries ${numbers.join(', ')}`;

// What each action comes to, for somebody who has to answer for it. One that is not here is not signed here.
const words = {
  'restore': a => `Lift the ${a.stops.length === 1 ? 'stop' : 'stops'} of ${list(a.stops)}. Whoever ${a.stops.length === 1 ? 'it stops' : 'they stop'} may act again.`,
  'cut': a => `Move the compromise cut of ${a.scope} to a later entry: everything up to entry ${a.after} is to be relied on again.`,
  'erase': a => `Erase what agent ${a.agent} recorded at ${list(a.indexes)}, for good.`,
  'lift-hold': a => `Lift the hold of entry ${a.hold} on agent ${a.agent}, so that its activities may be erased.`,
  'add-operator': a => a.origin === undefined
    ? `Make ${a.name} an operator, with the key ${a.jkt}.`
    : `Give the operator ${a.name} the passkey ${a.jkt}, which signs on ${a.origin}. If there is no operator of that name, they become one.`,
  'remove-caller': a => `Remove the caller ${a.caller}, with all keys.`,
  'set-break-glass-key': a => `Let the key ${a.jkt} freeze without the registry, in the place of the one before.`,
  'set-rules': a => a.rules.length === 0
    ? 'Switch off every rule that stops agents by itself.'
    : `Let these rules, and no others, stop agents by themselves (what is counted, how often within how many seconds, what it leaves): ${a.rules.join(', ')}.`,
  'revoke': a => `Revoke ${a.scope}${a.incident === undefined ? '' : `, as part of the incident ${a.incident}`}. This is final.`,
};

const members = {
  'restore': ['reason', 'stops'], 'cut': ['after', 'reason', 'scope'], 'erase': ['agent', 'indexes', 'reason'], 'lift-hold': ['agent', 'hold', 'reason'],
  'add-operator': ['jkt', 'name'], 'remove-caller': ['caller', 'reason'], 'set-break-glass-key': ['jkt'], 'revoke': ['reason', 'scope'], 'set-rules': ['reason', 'rules'],
};

// What an action may name besides, which its words then say.
const optional = { 'add-operator': 'origin', 'revoke': 'incident' };

// A text that is not one's own may hold marks that turn what stands beside it around.
const plain = text => text.replaceAll(/\p{C}/gu, '\uFFFD');

let request = null;

function read(text) {
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Problem('This is not an approval file.');
  }
  const { action, approvals, passkeys, about } = file ?? {};
  if (typeof action?.type !== 'string' || typeof file.nonce !== 'string' || !Array.isArray(approvals) || !Array.isArray(about ?? []) || !Number.isInteger(file.expires_at))
    throw new Problem('This is not an approval file.');
  // A member that the words leave out would be signed unread.
  const said = Object.keys(action).filter(name => name !== 'type' && name !== optional[action.type]).sort();
  if (!Object.hasOwn(words, action.type) || jcs(said) !== jcs(members[action.type]))
    throw new Problem(`This page cannot put the action '${action.type}' into words, so it does not sign it.`);
  if (file.public_url !== registry)
    throw new Problem(`The file is for the registry ${file.public_url}, and this is ${registry}.`);
  if (file.expires_at <= Date.now())
    throw new Problem('The file is older than an hour: make it again.');
  if (!(passkeys ?? []).some(passkey => passkey.origin === location.origin))
    throw new Problem(`No operator has a passkey for this page, ${location.origin}. Make one below, or sign with agentid approve.`);
  return file;
}

async function show(name, file) {
  request = { name, file };
  const { action } = file;
  element('words').textContent = plain(words[action.type](action));
  const about = file.about ?? [];
  element('about-lines').replaceChildren(...about.map(line => item(plain(line))));
  element('about').hidden = about.length === 0;
  element('reason').textContent = plain(action.reason ?? 'none is given');
  element('registry').textContent = file.public_url;
  element('expires').textContent = new Date(file.expires_at).toLocaleString();
  element('nonce').textContent = file.nonce;
  element('exact').textContent = jcs(action);
  const signers = await Promise.all(file.approvals.map(async token => {
    const { jwk } = JSON.parse(new TextDecoder().decode(fromBase64url(token.split('.')[0])));
    return `key ${await keyId(jwk.kty === 'EC' ? publicJwk(jwk) : { crv: jwk.crv, kty: jwk.kty, x: jwk.x })}`;
  }));
  element('signers').replaceChildren(...[`${file.approvals.length} of ${file.operators_needed} operators`, ...signers].map(item));
  element('approve').disabled = file.approvals.length >= file.operators_needed;
  element('request').hidden = false;
}

function item(text) {
  const line = document.createElement('li');
  line.textContent = text;
  return line;
}

async function approve() {
  const { name, file } = request;
  const passkeys = file.passkeys.filter(passkey => passkey.origin === location.origin);
  const claims = { action: file.action, aud: registry, iat: now(), nonce: file.nonce };
  const { token, jwk } = await sign('agentid-approval+passkey', claims, passkeys.map(passkey => passkey.jwk), []);
  if (file.approvals.some(other => other.split('.')[0] === token.split('.')[0]))
    throw new Problem('This passkey has signed the file already.');
  const signed = { ...file, approvals: [...file.approvals, token] };
  await show(name, signed);
  const owner = passkeys.find(passkey => passkey.jwk === jwk).name;
  const left = signed.operators_needed - signed.approvals.length;
  element('approved-words').textContent = `By ${owner}. ${left > 0 ? `${left} more must sign.` : 'Enough have signed.'}`;
  element('approved-next').textContent = left > 0 ? `Hand it to another operator, who signs with a key or a passkey of their own.` : `An operator has it done: agentid approve ${name} --send`;
  offer('approved-file', name, JSON.stringify(signed) + '\n', 'application/json');
  element('approved').hidden = false;
}

// --- making a passkey ------------------------------------------------------------------------------------------------

async function create() {
  const name = element('name').value.trim();
  const made = await navigator.credentials.create({
    publicKey: {
      rp: { id: location.hostname, name: `Registry ${registry}` },
      user: { id: crypto.getRandomValues(new Uint8Array(32)), name, displayName: `${name}, operator of ${registry}` },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    },
  });
  const key = await crypto.subtle.importKey('spki', made.response.getPublicKey(), ecdsa, true, ['verify']);
  const jwk = publicJwk(await crypto.subtle.exportKey('jwk', key));
  const claims = { aud: registry, iat: now(), name };
  const { token } = await sign('agentid-operator+passkey', claims, [jwk], [{ type: 'public-key', id: made.rawId }]);
  const file = `${name.replaceAll(/[^\p{L}\p{N}]+/gu, '-')}.proof`;
  element('created-name').textContent = name;
  element('created-jkt').textContent = await keyId(jwk);
  element('created-origin').textContent = location.origin;
  element('created-jwk').textContent = jcs(jwk);
  element('created-next').textContent = `agentid operators add ${file} --out add-${file.replace(/\.proof$/, '.json')}`;
  offer('created-file', file, token + '\n', 'text/plain');
  element('created').hidden = false;
}

// --- the page --------------------------------------------------------------------------------------------------------

function offer(id, name, content, type) {
  const link = element(id);
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
}

// Does what was asked for and says what went wrong, in the words of whoever knows best.
async function attempt(problem, hides, act) {
  element(problem).hidden = true;
  hides.forEach(id => { element(id).hidden = true; });
  try {
    await act();
  } catch (wrong) {
    const isTheirs = wrong instanceof Problem;
    element(problem).textContent = isTheirs ? wrong.message
      : wrong.name === 'NotAllowedError' ? 'Nothing was signed: it was cancelled, took too long, or no passkey here has verified its owner.'
        : `Nothing was signed: ${wrong.message}`;
    element(problem).hidden = false;
  }
}

// The same file chosen again is read again: it may have changed.
element('file').addEventListener('click', () => { element('file').value = ''; });

element('file').addEventListener('change', () => attempt('approve-problem', ['request', 'approved'], async () => {
  const [chosen] = element('file').files;
  if (chosen) await show(chosen.name, read(await chosen.text()));
}));

element('approve').addEventListener('click', () => attempt('approve-problem', ['approved'], approve));

element('create').addEventListener('submit', event => {
  event.preventDefault();
  attempt('create-problem', ['created'], create);
});
