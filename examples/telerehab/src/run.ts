// `npm start`: runs the example's services and shows what crosses the bus. See usage in run/arguments.ts.
import { parseArguments, usage } from './run/arguments.js';
import { runTelerehab } from './run/run-telerehab.js';

const args = parseArguments(process.argv.slice(2));
if (typeof args === 'string') {
  console.error(args);
  process.exitCode = 2;
} else if (args.help) {
  console.log(usage);
} else {
  process.exitCode = await runTelerehab(args);
}
