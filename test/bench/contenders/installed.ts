/** Where the peers are installed, seen from the bundle that runs. */
const home = new URL('../../../test/bench/peers/', import.meta.url);

interface Seam {
  readonly load: (name: string) => Promise<unknown>;
  readonly versionOf: (name: string) => Promise<string>;
}

/** Plain JavaScript, outside the bundle, so that packages resolve to what is installed there. */
const openSeam = async (): Promise<Seam> =>
  // The compiler does not know the peers: they are no dependencies of the product.
  (await import(new URL('load.mjs', home).href)) as Seam;

/** A peer's package. Its type is what the caller uses of it. */
export const loadPeer = async <Package>(name: string): Promise<Package> =>
  (await (await openSeam()).load(name)) as Package;

/** The installed version, or undefined where the peers are not installed. */
export async function installedVersion(name: string): Promise<string | undefined> {
  const { versionOf } = await openSeam();
  try {
    return await versionOf(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export const howToInstall = 'npm ci --prefix test/bench/peers';
