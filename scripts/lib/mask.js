/**
 * TypeScript with its comments and the contents of its strings blanked, character by character, so that every
 * position and line stays where it was. What a template interpolates stays code.
 *
 * @param {string} source
 * @returns {string}
 */
export function mask(source) {
  const out = source.split('');
  const blank = (/** @type {number} */ from, /** @type {number} */ to) => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  /** One entry per open template interpolation: the braces open inside it. @type {number[]} */
  const interpolations = [];
  let at = 0;
  let lastCode = '';

  const template = () => {
    const begin = at;
    while (at < source.length && source[at] !== '`') {
      if (source.startsWith('${', at)) {
        blank(begin, at);
        at += 2;
        interpolations.push(0);
        return;
      }
      at += source[at] === '\\' ? 2 : 1;
    }
    blank(begin, at);
    at += 1;
  };

  while (at < source.length) {
    const char = source[at] ?? '';
    if (source.startsWith('//', at) || source.startsWith('#!', at)) {
      const end = endOf(source.indexOf('\n', at), source);
      blank(at, end);
      at = end;
      continue;
    }
    if (source.startsWith('/*', at)) {
      const close = source.indexOf('*/', at + 2);
      const end = close < 0 ? source.length : close + 2;
      blank(at, end);
      at = end;
      continue;
    }
    if (char === "'" || char === '"') {
      const end = closing(source, at + 1, char);
      blank(at + 1, end);
      at = end + 1;
    } else if (char === '`') {
      at += 1;
      template();
    } else if (char === '/' && startsExpression(lastCode)) {
      const end = closingOfRegex(source, at + 1);
      blank(at + 1, end);
      at = end + 1;
    } else if (char === '}' && interpolations.at(-1) === 0) {
      interpolations.pop();
      at += 1;
      template();
    } else {
      const depth = interpolations.length - 1;
      if (depth >= 0 && char === '{') interpolations[depth] = (interpolations[depth] ?? 0) + 1;
      if (depth >= 0 && char === '}') interpolations[depth] = (interpolations[depth] ?? 0) - 1;
      at += 1;
    }
    if (/\S/.test(char)) lastCode = (lastCode + char).slice(-12);
    else if (/\w$/.test(lastCode)) lastCode += ' ';
  }
  return out.join('');
}

/**
 * Whether a slash after this code begins a regular expression: after an operator or a keyword, not after a value.
 *
 * @param {string} code
 */
function startsExpression(code) {
  const before = code.trimEnd();
  return (
    before === '' ||
    /[(,=:[!&|?{};+\-*%<>~^]$/.test(before) ||
    /\b(return|typeof|case|of|in|void|await|yield)$/.test(before)
  );
}

/**
 * @param {string} source
 * @param {number} from
 * @param {string} quote
 */
function closing(source, from, quote) {
  let at = from;
  while (at < source.length && source[at] !== quote && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1;
  return Math.min(at, source.length);
}

/**
 * @param {string} source
 * @param {number} from
 */
function closingOfRegex(source, from) {
  let inClass = false;
  let at = from;
  for (; at < source.length && source[at] !== '\n'; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '[') inClass = true;
    else if (source[at] === ']') inClass = false;
    else if (source[at] === '/' && !inClass) break;
  }
  return Math.min(at, source.length);
}

/**
 * @param {number} index
 * @param {string} source
 */
const endOf = (index, source) => (index < 0 ? source.length : index);
