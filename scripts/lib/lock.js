/**
 * package-lock.json serves every machine: it names no registry, and it has an entry for each optional package of
 * another platform. npm forgets those where the registry in use does not offer them, and `npm ci` then refuses the
 * lock for everyone.
 */

/**
 * @typedef {object} LockEntry
 * @property {string} [version]
 * @property {string} [resolved]
 * @property {boolean} [link]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 * @property {Record<string, string>} [optionalDependencies]
 */

/** @typedef {{ packages: Record<string, LockEntry> }} Lock */

/** @typedef {{ dependent: string, name: string, version: string }} MissingEntry */

const operatingSystems = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = ['arm64', 'armv7', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

/**
 * The optional dependencies that have no entry.
 *
 * @param {Lock} lock
 * @returns {MissingEntry[]}
 */
function missingEntries(lock) {
  return Object.entries(lock.packages).flatMap(([dependent, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !isFound(lock, dependent, name))
      .map(([name, version]) => ({ dependent, name, version })),
  );
}

/**
 * The lock with an entry for every optional dependency. Only exact versions for a named platform can be filled in;
 * what else is missing is left missing.
 *
 * @param {Lock} lock
 * @returns {Lock}
 */
export function completed(lock) {
  const packages = { ...lock.packages };
  for (const { dependent, name, version } of missingEntries(lock)) {
    const platform = platformOf(name);
    if (!platform || !/^\d/.test(version)) continue;
    const { os, cpu, libc } = platform;
    // npm's own order of keys, so that its next run changes nothing.
    packages[`node_modules/${name}`] = {
      version,
      cpu,
      ...(lock.packages[dependent]?.dev && { dev: true }),
      ...(libc && { libc }),
      optional: true,
      os,
    };
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...lock, packages: Object.fromEntries(sorted) };
}

/**
 * What a lock may not say, one sentence each.
 *
 * @param {Lock} lock
 * @param {string} [file]
 * @returns {string[]}
 */
export function lockProblems(lock, file = 'package-lock.json') {
  const missing = missingEntries(lock).map(
    ({ dependent, name }) =>
      `${file}: ${name}, optional for ${dependent}, has no entry, so \`npm ci\` refuses: run \`npm run lock\`.`,
  );
  const resolved = Object.entries(lock.packages)
    .filter(([, entry]) => /^https?:/.test(entry.resolved ?? ''))
    .map(
      ([path]) => `${file}: ${path} names the registry it came from: run \`npm install\` with the repository's .npmrc.`,
    );
  return [...missing, ...resolved];
}

/**
 * npm looks beside the dependent first, then in each folder above it.
 *
 * @param {Lock} lock
 * @param {string} dependent
 * @param {string} name
 */
function isFound(lock, dependent, name) {
  for (let folder = dependent; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    if (lock.packages[`${folder ? `${folder}/` : ''}node_modules/${name}`]) return true;
    if (!folder) return false;
  }
}

/**
 * Packages of a platform carry it in their name: `@biomejs/cli-linux-x64-musl`.
 *
 * @param {string} name
 */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = operatingSystems.find((word) => words.includes(word));
  const cpu = processors.find((word) => words.includes(word));
  if (!os || !cpu) return undefined;
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : undefined;
  // npm calls every 32-bit ARM `arm`.
  return { os: [os], cpu: [cpu.startsWith('armv') ? 'arm' : cpu], ...(libc && { libc }) };
}
