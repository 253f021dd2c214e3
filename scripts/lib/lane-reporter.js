import Mocha from 'mocha';

/** Stands in the output between stories and sums. */
export const SUMS = '\x1esums ';

/** mocha's `spec`, with the sums as JSON behind the stories: whoever runs several mochas adds them up. */
// biome-ignore lint/style/noDefaultExport: mocha takes a reporter from there.
export default class LaneReporter extends Mocha.reporters.Spec {
  /** @override */
  epilogue() {
    const { passes, failures } = this.stats;
    process.stdout.write(`${SUMS}${JSON.stringify({ passes, failures })}\n`);
    super.epilogue();
  }
}
