/**
 * A mocha hook. After the last test nothing may keep the process alive: a timer, socket or child that still does is a
 * defect, and fails the run instead of hanging it.
 */

const patienceMs = 5_000;

export function mochaGlobalTeardown() {
  // Unreferenced: it only fires where something else keeps the process alive.
  setTimeout(() => {
    const handles = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`The tests are done, but something they started still runs: ${handles}.\n`);
    process.exit(1);
  }, patienceMs).unref();
}
