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
    // mocha sets its own exit code in its last breath, which would say that all is well.
    process.once('exit', () => {
      process.exitCode = 1;
    });
    process.exit(1);
  }, patienceMs).unref();
}
