import { generateKeyPairSync, sign } from 'node:crypto';

const PREFIX = { operator: 14 << 3, account: 0, user: 20 << 3 };
const SEED = 18 << 3;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A key pair of NATS, which can sign its JWTs. */
export interface Nkey {
  readonly publicKey: string;
  readonly seed: string;
  /** A JWT of this key about `subject`. */
  sign(subject: string, nats: object, claims?: object): string;
}

/** Makes a key pair: Ed25519, spelled as NATS does (a prefix, a checksum, base 32). */
export function makeNkey(type: keyof typeof PREFIX): Nkey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' });
  const prefix = PREFIX[type];
  const publicKey = encode([prefix, ...Buffer.from(x, 'base64url')]);
  return {
    publicKey,
    seed: encode([SEED | (prefix >> 5), (prefix & 31) << 3, ...Buffer.from(d, 'base64url')]),
    sign(subject, nats, claims) {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const common = { jti: `${Math.random()}`, iat: Math.floor(Date.now() / 1_000), iss: publicKey, sub: subject };
      const body = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ ...common, name: 'x', nats: { version: 2, ...nats }, ...claims })}`;
      return `${body}.${sign(null, Buffer.from(body), privateKey).toString('base64url')}`;
    },
  };
}

/** A deployment of operator, account and users, as a nats-server's configuration and credentials for its users. */
export function makeDeployment() {
  const [operator, account] = [makeNkey('operator'), makeNkey('account')];
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const accountJwt = operator.sign(account.publicKey, { type: 'account', limits });
  return {
    configuration: `
operator: ${operator.sign(operator.publicKey, { type: 'operator' })}
resolver: MEMORY
resolver_preload: { ${account.publicKey}: ${accountJwt} }
`,
    /** The text of a credentials file for a new user, which may end, by the clock of the server, in some seconds. */
    credentials(endsInSeconds?: number) {
      const user = makeNkey('user');
      const ends = endsInSeconds === undefined ? {} : { exp: Math.floor(Date.now() / 1_000) + endsInSeconds };
      const jwt = account.sign(user.publicKey, { type: 'user', subs: -1, data: -1, payload: -1 }, ends);
      return {
        seed: user.seed,
        text: `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${user.seed}\n------END USER NKEY SEED------\n`,
      };
    },
  };
}

function encode(bytes: readonly number[]): string {
  const sum = checksum(bytes);
  let bits = '';
  for (const byte of [...bytes, sum & 0xff, sum >> 8]) bits += byte.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/** CRC-16/XMODEM. */
function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1) & 0xffff;
  }
  return sum;
}
