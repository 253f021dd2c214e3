/** `npm run lock`: gives package-lock.json an entry for the optional packages of every platform. */
import { readFileSync, writeFileSync } from 'node:fs';
import { completed, lockProblems } from './lib/lock.js';

const file = new URL('../package-lock.json', import.meta.url);
const lock = completed(JSON.parse(readFileSync(file, 'utf8')));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);

const problems = lockProblems(lock);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
