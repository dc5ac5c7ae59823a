// The name of a plugin, out of the name that its executable has been installed by.

/**
 * Which plugin an executable is that is called `called`: the plugin of that name, or else the one with the longest name that
 * `called` ends with after a hyphen. KubeVirt installs bridge as cnv-bridge, BuildKit host-local as
 * buildkit-cni-host-local. Undefined where `isPlugin` knows no such name.
 */
export function servedName(called: string, isPlugin: (name: string) => boolean): string | undefined {
  for (let at = 0; ; ) {
    const name = called.slice(at);
    if (isPlugin(name)) return name;
    const hyphen = called.indexOf("-", at);
    if (hyphen < 0) return undefined;
    at = hyphen + 1;
  }
}
