/** A step of a script that failed: one sentence for the reader, and what the step had printed. */
export class StepFailed extends Error {
  /**
   * @param {string} sentence
   * @param {string} [output]
   */
  constructor(sentence, output = '') {
    super(sentence);
    this.name = 'StepFailed';
    this.output = output;
  }
}

/**
 * Runs a script's main function and turns what it throws into output and an exit code.
 *
 * @param {() => Promise<number>} main resolves to the exit code
 */
export async function runScript(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    if (error.output) process.stderr.write(`${error.output.trimEnd()}\n`);
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
