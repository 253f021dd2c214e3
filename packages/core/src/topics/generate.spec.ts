import fc from 'fast-check';

// Pieces that mean something to NATS, to the escape or to nobody, beside any character at all.
const piece = fc.oneof(
  fc.constantFrom(
    '$JS',
    '_INBOX',
    '@prod',
    '%',
    '%41',
    '%2e',
    '*',
    '>',
    ' ',
    '\t',
    '\n',
    '\0',
    '\x7f',
    '\u0085',
    '\u2028',
  ),
  fc.constantFrom(
    'é',
    '日本',
    '😀',
    '\ufeff',
    '\u202e',
    'a',
    'B',
    '7',
    '-',
    '_',
    '__',
    '_h',
    '_-',
    '~',
    '/',
    '\\',
    '{',
    '}',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

/** Any topic, the strange ones first: empty tokens, wildcards, controls, escapes, what belongs to NATS. */
export const anyTopic = fc
  .array(
    fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join('')),
    { minLength: 1, maxLength: 5 },
  )
  .map((tokens) => tokens.join('.'))
  .filter((topic) => topic !== '');

/** Texts with half of a surrogate pair somewhere. */
export const anyIllFormed = fc
  .tuple(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', '\udbff', '\udc00', '\udfff'), fc.string())
  .map(([before, half, after]) => `${before}${half}.${after}`)
  .filter((text) => !text.isWellFormed());
