/** Explicit archive paths and the jobs they belong to: no two jobs share a directory or lie in one. */
export function createArchiveClaims() {
  const claims: { readonly path: string; readonly job: string }[] = [];
  const isClaim = (path: string, job: string) => (claim: { path: string; job: string }) =>
    claim.path === path && claim.job === job;

  return {
    claim: (path: string, job: string): string | null => {
      const rival = claims.find((claim) => claim.job !== job && overlaps(claim.path, path));
      if (rival) return rival.job;
      if (!claims.some(isClaim(path, job))) claims.push({ path, job });
      return null;
    },

    owner: (path: string): string | null =>
      claims.find((claim) => claim.path === path)?.job ?? null,

    release: (path: string, job: string): void => {
      const index = claims.findIndex(isClaim(path, job));
      if (index >= 0) claims.splice(index, 1);
    },
  };
}

/** Whether one path equals or holds the other, segment by segment. */
const overlaps = (one: string, other: string): boolean =>
  `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
