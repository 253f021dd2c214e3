/** Names from outside longer than this are cut: whoever sends them chose them, and may have chosen a megabyte. */
const longest = 200;

/** A name from outside as errors show it. */
export function clip(name: string): string {
  return name.length > longest ? `${name.slice(0, longest)}…` : name;
}
